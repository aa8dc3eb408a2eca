// SPDX-License-Identifier: Apache-2.0
// Filling a tensor and adding one to another, in place: what bookkeeping of gradients needs.
#pragma once

#include "engine/tensor/tensor.h"

namespace assay::ops {

// Sets every element of a float32 tensor.
void fill(const Tensor& tensor, float value);
// into += from, element by element: float32 tensors of one shape on one device (assay::Error).
void add_into(const Tensor& into, const Tensor& from);

}  // namespace assay::ops
