// SPDX-License-Identifier: Apache-2.0
// float32 tensors to float16 and back. Rounding, NaN and range: kernels/elementwise/convert_float16.h. No derivative.
#pragma once

#include "engine/tensor/tensor.h"

namespace assay::ops {

// A float32 tensor of any shape, rounded to nearest even, in new storage. Throws assay::Error on another dtype.
Tensor to_float16(const Tensor& x, const char* tag = "to_float16");
// The same with what is beyond float16's largest number, 65504, counted as that: no infinity comes of it.
Tensor to_float16_saturated(const Tensor& x, const char* tag = "to_float16");
// A float16 tensor of any shape, exactly, in new storage. Throws assay::Error on another dtype.
Tensor to_float32(const Tensor& x, const char* tag = "to_float32");

}  // namespace assay::ops
