// SPDX-License-Identifier: Apache-2.0
#include "engine/ops/batch_norm_apply.h"

#include "engine/ops/check_tensor.h"
#include "engine/ops/op_context.h"
#include "kernels/norm/batch_norm.h"

namespace assay::ops {

Tensor batch_norm_apply(const Tensor& x, const Tensor& mean, const Tensor& variance, const Tensor& gamma,
                        const Tensor& beta, float eps) {
  constexpr char kName[] = "batch_norm_apply";
  const OpContext ctx(kName, {{"x", &x}, {"mean", &mean}, {"variance", &variance}, {"gamma", &gamma}, {"beta", &beta}});
  check_dtype(kName, "x", x, DType::kFloat32);
  ASSAY_CHECK(x.rank() >= 1 && x.dim(x.rank() - 1) >= 1, kName, ": x has shape ", to_string(x.shape()),
              ", expected (..., C) with C >= 1");
  ASSAY_CHECK(eps > 0, kName, ": eps is ", eps, ", expected a positive number");
  const int64_t channels = x.dim(x.rank() - 1);
  const OpContext::Operand of_channels[] = {
      {"mean", &mean}, {"variance", &variance}, {"gamma", &gamma}, {"beta", &beta}};
  for (const auto& [name, tensor] : of_channels) {
    check_dtype(kName, name, *tensor, DType::kFloat32);
    ASSAY_CHECK(tensor->shape() == Shape{channels}, kName, ": ", name, " has shape ", to_string(tensor->shape()),
                ", expected (", channels, "), the last axis of x");
  }
  const Tensor y = ctx.empty<float>(x.shape(), kName);
  ctx.run(kernels::batch_norm_apply,
          {ctx.in<float>(x), ctx.in<float>(mean), ctx.in<float>(variance), ctx.in<float>(gamma), ctx.in<float>(beta),
           ctx.out<float>(y), x.size() / channels, channels, eps});
  return y;
}

}  // namespace assay::ops
