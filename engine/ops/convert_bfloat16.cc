// SPDX-License-Identifier: Apache-2.0
#include "engine/ops/convert_bfloat16.h"

#include "engine/ops/check_tensor.h"
#include "engine/ops/op_context.h"
#include "kernels/elementwise/convert_bfloat16.h"

namespace assay::ops {

static_assert(sizeof(BFloat16) == sizeof(uint16_t), "kernels take the bits of a BFloat16 as uint16_t");

Tensor to_bfloat16(const Tensor& x, const char* tag) {
  check_dtype("to_bfloat16", "x", x, DType::kFloat32);
  const OpContext ctx("to_bfloat16", {{"x", &x}});
  const Tensor y = ctx.empty<BFloat16>(x.shape(), tag);
  ctx.run(kernels::to_bfloat16, {ctx.in<float>(x), reinterpret_cast<uint16_t*>(ctx.out<BFloat16>(y)), x.size()});
  return y;
}

Tensor from_bfloat16(const Tensor& x, const char* tag) {
  check_dtype("from_bfloat16", "x", x, DType::kBFloat16);
  const OpContext ctx("from_bfloat16", {{"x", &x}});
  const Tensor y = ctx.empty<float>(x.shape(), tag);
  ctx.run(kernels::from_bfloat16,
          {reinterpret_cast<const uint16_t*>(ctx.in<BFloat16>(x)), ctx.out<float>(y), x.size()});
  return y;
}

}  // namespace assay::ops
