// SPDX-License-Identifier: Apache-2.0
#include "engine/ops/convert_float16.h"

#include <limits>

#include "engine/ops/check_tensor.h"
#include "engine/ops/op_context.h"
#include "kernels/elementwise/convert_float16.h"

namespace assay::ops {

static_assert(sizeof(Float16) == sizeof(uint16_t), "kernels take the bits of a Float16 as uint16_t");

namespace {

Tensor convert(const Tensor& x, float ceiling, const char* tag) {
  check_dtype("to_float16", "x", x, DType::kFloat32);
  const OpContext ctx("to_float16", {{"x", &x}});
  const Tensor y = ctx.empty<Float16>(x.shape(), tag);
  ctx.run(kernels::to_float16, {ctx.in<float>(x), reinterpret_cast<uint16_t*>(ctx.out<Float16>(y)), x.size(), ceiling});
  return y;
}

}  // namespace

Tensor to_float16(const Tensor& x, const char* tag) { return convert(x, std::numeric_limits<float>::infinity(), tag); }

Tensor to_float16_saturated(const Tensor& x, const char* tag) {
  constexpr float kLargestFloat16 = 65504;
  return convert(x, kLargestFloat16, tag);
}

Tensor to_float32(const Tensor& x, const char* tag) {
  check_dtype("to_float32", "x", x, DType::kFloat16);
  const OpContext ctx("to_float32", {{"x", &x}});
  const Tensor y = ctx.empty<float>(x.shape(), tag);
  ctx.run(kernels::from_float16, {reinterpret_cast<const uint16_t*>(ctx.in<Float16>(x)), ctx.out<float>(y), x.size()});
  return y;
}

}  // namespace assay::ops
