// SPDX-License-Identifier: Apache-2.0
#include "engine/ops/convert_float16.h"

#include "engine/ops/check_tensor.h"
#include "kernels/elementwise/convert_float16.h"

namespace assay::ops {

static_assert(sizeof(Float16) == sizeof(uint16_t), "kernels take the bits of a Float16 as uint16_t");

Tensor to_float16(const Tensor& x, const char* tag) {
  check_dtype("to_float16", "x", x, DType::kFloat32);
  const Tensor y = Tensor::empty<Float16>(x.shape(), tag);
  run(kernels::to_float16, {x.data<float>(), reinterpret_cast<uint16_t*>(y.raw()), x.size()});
  return y;
}

Tensor to_float32(const Tensor& x, const char* tag) {
  check_dtype("to_float32", "x", x, DType::kFloat16);
  const Tensor y = Tensor::empty<float>(x.shape(), tag);
  run(kernels::from_float16, {reinterpret_cast<const uint16_t*>(x.raw()), y.data<float>(), x.size()});
  return y;
}

}  // namespace assay::ops
