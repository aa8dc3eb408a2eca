// SPDX-License-Identifier: Apache-2.0
// Cosine distance of pairs of rows (kernels/loss/cosine_distance.h).
#pragma once

#include "engine/tensor/tensor.h"

namespace assay::ops {

// a and b: (R, C) float32 on one device, C >= 1 (assay::Error). Result: (R).
Tensor cosine_distance(const Tensor& a, const Tensor& b);

}  // namespace assay::ops
