// SPDX-License-Identifier: Apache-2.0
#include "engine/autograd/ops/softmax.h"

#include "engine/autograd/ops/op_run.h"
#include "kernels/softmax/softmax.h"

namespace assay::autograd {

std::vector<Shape> Softmax::infer(const Inputs& in, const Attrs&) {
  check_float32(kName, "x", in[0]);
  ASSAY_CHECK(in[0].rank() >= 1 && in[0].dim(in[0].rank() - 1) >= 1, kName, ": x has shape ", to_string(in[0].shape()),
              ", expected (..., C) with C >= 1");
  return {in[0].shape()};
}

void Softmax::forward(ForwardContext& c, const Attrs&) {
  const Tensor& x = c.input(0);
  const ops::OpContext ctx(kName, {{"x", &x}});
  const auto [rows, cols] = as_rows(x);
  ctx.run(kernels::softmax_forward, {ctx.in<float>(x), ctx.out<float>(c.output(0)), rows, cols});
  c.save(c.output(0));
}

void Softmax::backward(BackwardContext& c, const Attrs&) {
  const Tensor &grad_y = c.grad_output(0), &y = c.saved(0);
  const ops::OpContext ctx(kName, {{"grad_y", &grad_y}, {"y", &y}});
  const GradSlot grad_x = c.grad_input(0);
  const auto [rows, cols] = as_rows(y);
  ctx.run(kernels::softmax_backward,
          {ctx.in<float>(y), ctx.in<float>(grad_y), grad_address(ctx, grad_x), rows, cols, mode_of(grad_x)});
}

}  // namespace assay::autograd
