// SPDX-License-Identifier: Apache-2.0
// float32 tensors to bfloat16 and back. Rounding and NaN: kernels/elementwise/convert_bfloat16.h. No derivative.
#pragma once

#include "engine/tensor/tensor.h"

namespace assay::ops {

// A float32 tensor of any shape, rounded to nearest even, in new storage. Throws assay::Error on another dtype.
Tensor to_bfloat16(const Tensor& x, const char* tag = "to_bfloat16");
// A bfloat16 tensor of any shape as float32, exactly, in new storage. Throws assay::Error on another dtype.
Tensor from_bfloat16(const Tensor& x, const char* tag = "from_bfloat16");

}  // namespace assay::ops
