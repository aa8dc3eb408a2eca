// SPDX-License-Identifier: Apache-2.0
// Batch norm with statistics that are given: running ones, in scoring (kernels/norm/batch_norm.h).
#pragma once

#include "engine/tensor/tensor.h"

namespace assay::ops {

// x: (..., C) float32, C >= 1; the others (C), on x's device; eps > 0 (assay::Error). Result: x's shape.
Tensor batch_norm_apply(const Tensor& x, const Tensor& mean, const Tensor& variance, const Tensor& gamma,
                        const Tensor& beta, float eps);

}  // namespace assay::ops
