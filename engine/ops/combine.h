// SPDX-License-Identifier: Apache-2.0
// Filling a tensor, scaling it and adding one to another, in place: what means and bookkeeping of gradients need.
#pragma once

#include "engine/tensor/tensor.h"

namespace assay::ops {

// Sets every element of a float32 tensor.
void fill(const Tensor& tensor, float value);
// into += from, element by element: float32 tensors of one shape on one device (assay::Error).
void add_into(const Tensor& into, const Tensor& from);
// tensor *= factor.
void scale(const Tensor& tensor, float factor);

}  // namespace assay::ops
