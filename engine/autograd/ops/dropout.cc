// SPDX-License-Identifier: Apache-2.0
#include "engine/autograd/ops/dropout.h"

#include "engine/autograd/ops/op_run.h"
#include "kernels/dropout/dropout.h"

namespace assay::autograd {

std::vector<Shape> Dropout::infer(const Inputs& in, const Attrs& attrs) {
  check_float32(kName, "x", in[0]);
  ASSAY_CHECK(attrs.probability >= 0 && attrs.probability < 1, kName, ": probability ", attrs.probability,
              ", expected 0 to below 1");
  return {in[0].shape()};
}

void Dropout::forward(ForwardContext& c, const Attrs& attrs) {
  const Tensor& x = c.input(0);
  const ops::OpContext ctx(kName, {{"x", &x}});
  ctx.run(kernels::dropout_forward,
          {ctx.in<float>(x), ctx.out<float>(c.output(0)), x.size(), attrs.probability, attrs.seed, attrs.stream});
}

void Dropout::backward(BackwardContext& c, const Attrs& attrs) {
  const Tensor& grad_y = c.grad_output(0);
  const ops::OpContext ctx(kName, {{"grad_y", &grad_y}});
  const GradSlot grad_x = c.grad_input(0);
  ctx.run(kernels::dropout_backward, {ctx.in<float>(grad_y), grad_address(ctx, grad_x), grad_y.size(),
                                      attrs.probability, attrs.seed, attrs.stream, mode_of(grad_x)});
}

}  // namespace assay::autograd
