// SPDX-License-Identifier: Apache-2.0
#include "engine/autograd/ops/layer_norm.h"

#include "engine/autograd/ops/op_run.h"
#include "kernels/norm/layer_norm.h"

namespace assay::autograd {

std::vector<Shape> LayerNorm::infer(const Inputs& in, const Attrs& attrs) {
  const Tensor& x = in[0];
  check_float32(kName, "x", x);
  ASSAY_CHECK(x.rank() >= 1 && x.dim(x.rank() - 1) >= 1, kName, ": x has shape ", to_string(x.shape()),
              ", expected (..., C) with C >= 1");
  for (const int64_t i : {1, 2}) {
    const char* name = i == 1 ? "gamma" : "beta";
    check_float32(kName, name, in[i]);
    check_shape(kName, name, in[i], {x.dim(x.rank() - 1)});
  }
  ASSAY_CHECK(attrs.eps > 0, kName, ": eps is ", attrs.eps, ", expected a positive number");
  return {x.shape()};
}

void LayerNorm::forward(ForwardContext& c, const Attrs& attrs) {
  const Tensor &x = c.input(0), &gamma = c.input(1), &beta = c.input(2);
  const ops::OpContext ctx(kName, {{"x", &x}, {"gamma", &gamma}, {"beta", &beta}});
  const auto [rows, cols] = as_rows(x);
  Tensor mean, rstd;
  if (c.is_recorded()) {
    mean = ctx.empty<float>({rows}, kName);
    rstd = ctx.empty<float>({rows}, kName);
  }
  ctx.run(kernels::layer_norm_forward, {ctx.in<float>(x), ctx.in<float>(gamma), ctx.in<float>(beta),
                                        ctx.out<float>(c.output(0)), c.is_recorded() ? ctx.out<float>(mean) : nullptr,
                                        c.is_recorded() ? ctx.out<float>(rstd) : nullptr, rows, cols, attrs.eps});
  c.save(x);
  c.save(gamma);
  c.save(mean);
  c.save(rstd);
}

void LayerNorm::backward(BackwardContext& c, const Attrs&) {
  const Tensor &grad_y = c.grad_output(0), &x = c.saved(0), &gamma = c.saved(1), &mean = c.saved(2), &rstd = c.saved(3);
  const ops::OpContext ctx(kName, {{"grad_y", &grad_y}, {"x", &x}});
  const auto [rows, cols] = as_rows(x);
  const GradSlot grad_x = c.grad_input(0), grad_gamma = c.grad_input(1), grad_beta = c.grad_input(2);
  const Storage workspace =
      ctx.workspace(static_cast<int64_t>(kernels::layer_norm_backward_workspace_bytes(rows, cols)));
  ctx.run(kernels::layer_norm_backward,
          {ctx.in<float>(x), ctx.in<float>(gamma), ctx.in<float>(mean), ctx.in<float>(rstd), ctx.in<float>(grad_y),
           grad_address(ctx, grad_x), grad_address(ctx, grad_gamma), grad_address(ctx, grad_beta),
           static_cast<float*>(ctx.scratch(workspace)), rows, cols, mode_of(grad_x), mode_of(grad_gamma),
           mode_of(grad_beta)});
}

}  // namespace assay::autograd
