// SPDX-License-Identifier: Apache-2.0
#include "engine/autograd/ops/reduce.h"

#include "engine/autograd/ops/op_run.h"
#include "kernels/arithmetic/combine.h"
#include "kernels/reduce/total.h"

namespace assay::autograd {

std::vector<Shape> Reduce::infer(const Inputs& in, const Attrs& attrs) {
  check_float32(kName, "x", in[0]);
  ASSAY_CHECK(!attrs.is_mean || in[0].size() > 0, kName, ": the mean of no elements");
  return {{1}};
}

void Reduce::forward(ForwardContext& c, const Attrs& attrs) {
  const Tensor& x = c.input(0);
  const ops::OpContext ctx(kName, {{"x", &x}});
  const Storage workspace = ctx.workspace(static_cast<int64_t>(kernels::total_workspace_bytes(x.size())));
  ctx.run(kernels::total, {ctx.in<float>(x), ctx.out<float>(c.output(0)), static_cast<double*>(ctx.scratch(workspace)),
                           x.size(), attrs.is_mean ? kernels::Total::kMean : kernels::Total::kSum});
}

void Reduce::backward(BackwardContext& c, const Attrs& attrs) {
  const Tensor& grad_y = c.grad_output(0);
  const ops::OpContext ctx(kName, {{"grad_y", &grad_y}});
  const GradSlot slot = c.grad_input(0);
  const int64_t size = slot.tensor.size();
  const float alpha = attrs.is_mean ? 1.0f / static_cast<float>(size) : 1.0f;
  ctx.run(kernels::combine,
          kernels::CombineArgs{nullptr, ctx.in<float>(grad_y), ctx.out<float>(slot.tensor), 1, size,
                               kernels::Combination::kTake, kernels::Broadcast::kNumber, alpha, mode_of(slot)});
}

}  // namespace assay::autograd
