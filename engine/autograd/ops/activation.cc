// SPDX-License-Identifier: Apache-2.0
#include "engine/autograd/ops/activation.h"

#include "engine/autograd/ops/op_run.h"

namespace assay::autograd {

std::vector<Shape> Activation::infer(const Inputs& in, const Attrs&) {
  check_float32(kName, "x", in[0]);
  return {in[0].shape()};
}

void Activation::forward(ForwardContext& c, const Attrs& attrs) {
  const Tensor& x = c.input(0);
  const ops::OpContext ctx(kName, {{"x", &x}});
  ctx.run(kernels::activation_forward, {ctx.in<float>(x), ctx.out<float>(c.output(0)), x.size(), attrs.activation});
  c.save(x);
}

void Activation::backward(BackwardContext& c, const Attrs& attrs) {
  const Tensor &grad_y = c.grad_output(0), &x = c.saved(0);
  const ops::OpContext ctx(kName, {{"grad_y", &grad_y}, {"x", &x}});
  const GradSlot grad_x = c.grad_input(0);
  ctx.run(kernels::activation_backward, {ctx.in<float>(x), ctx.in<float>(grad_y), grad_address(ctx, grad_x), x.size(),
                                         attrs.activation, mode_of(grad_x)});
}

}  // namespace assay::autograd
