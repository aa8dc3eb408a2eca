// SPDX-License-Identifier: Apache-2.0
#include "engine/autograd/ops/skip_tokens.h"

#include "engine/autograd/ops/op_run.h"
#include "kernels/arithmetic/combine.h"

namespace assay::autograd {
namespace {

using kernels::Combination;
using kernels::CombineArgs;

// y = x, or y += x, on `count` elements.
void take(const ops::OpContext& ctx, const float* x, float* y, int64_t count, GradMode mode) {
  ctx.run(kernels::combine,
          CombineArgs{nullptr, x, y, 1, count, Combination::kTake, kernels::Broadcast::kNone, 1, mode});
}

}  // namespace

std::vector<Shape> SkipTokens::infer(const Inputs& in, const Attrs& attrs) {
  check_float32(kName, "x", in[0]);
  ASSAY_CHECK(in[0].rank() == 3 && attrs.count >= 0 && attrs.count <= in[0].dim(1), kName, ": x has shape ",
              to_string(in[0].shape()), ", expected (B, T, C) with T at least ", attrs.count);
  return {{in[0].dim(0), in[0].dim(1) - attrs.count, in[0].dim(2)}};
}

void SkipTokens::forward(ForwardContext& c, const Attrs& attrs) {
  const Tensor &x = c.input(0), &y = c.output(0);
  const ops::OpContext ctx(kName, {{"x", &x}});
  const float* from = ctx.in<float>(x) + attrs.count * x.dim(2);
  float* to = ctx.out<float>(y);
  const int64_t x_image = x.dim(1) * x.dim(2), y_image = y.dim(1) * y.dim(2);
  for (int64_t b = 0; b < x.dim(0); ++b) take(ctx, from + b * x_image, to + b * y_image, y_image, GradMode::kOverwrite);
}

void SkipTokens::backward(BackwardContext& c, const Attrs& attrs) {
  const Tensor& grad_y = c.grad_output(0);
  const ops::OpContext ctx(kName, {{"grad_y", &grad_y}});
  const GradSlot slot = c.grad_input(0);
  const float* from = ctx.in<float>(grad_y);
  float* to = ctx.out<float>(slot.tensor);
  const int64_t skipped = attrs.count * grad_y.dim(2), y_image = grad_y.dim(1) * grad_y.dim(2);
  const Tensor zero = Tensor::zeros<float>({1}, kName, ctx.device());
  for (int64_t b = 0; b < grad_y.dim(0); ++b) {
    float* image = to + b * (skipped + y_image);
    if (!slot.accumulates) {
      ctx.run(kernels::combine, CombineArgs{nullptr, ctx.in<float>(zero), image, 1, skipped, Combination::kTake,
                                            kernels::Broadcast::kNumber});
    }
    take(ctx, from + b * y_image, image + skipped, y_image, mode_of(slot));
  }
}

}  // namespace assay::autograd
