// SPDX-License-Identifier: Apache-2.0
#include "engine/autograd/ops/conv.h"

#include "engine/autograd/ops/op_run.h"
#include "kernels/conv/conv2d.h"
#include "kernels/conv/conv2d_backward.h"
#include "kernels/reduce/axis_sum.h"

namespace assay::autograd {
namespace {

using kernels::ConvShape;

// `wide`: what a convolution reads (and a transposed one writes), `narrow`: what it writes; both (B, H, W, C).
template <class Attrs>
ConvShape conv_shape(const Shape& wide, const Shape& weight, const Shape& narrow, const Attrs& attrs) {
  return {wide[0],   wide[1],   wide[2],   wide[3],      narrow[1], narrow[2],
          narrow[3], weight[1], weight[2], attrs.stride, attrs.pad, attrs.pad};
}

// `channels`: the axis of the weight that x's channels run along.
template <class Attrs>
void check_operands(const char* op, const Inputs& in, const Attrs& attrs, int64_t channels) {
  const Tensor &x = in[0], &weight = in[1];
  check_float32(op, "x", x);
  check_float32(op, "weight", weight);
  ASSAY_CHECK(x.rank() == 4 && weight.rank() == 4 && weight.size() > 0 && x.dim(3) == weight.dim(channels), op,
              ": weight has shape ", to_string(weight.shape()), ", x has shape ", to_string(x.shape()), ", expected ",
              channels == 3 ? "(C_out, KH, KW, C_in)" : "(C_in, KH, KW, C_out)", " and (B, H, W, C_in)");
  ASSAY_CHECK(weight.size() <= INT32_MAX, op, ": a weight of shape ", to_string(weight.shape()),
              ", expected less than 2^31 elements");
  ASSAY_CHECK(attrs.stride >= 1 && attrs.pad >= 0, op, ": stride ", attrs.stride, " and padding ", attrs.pad,
              ", expected at least 1 and 0");
}

// y = conv(x) + bias.
void convolve(const ops::OpContext& ctx, const ConvShape& s, const float* x, const float* weight, const float* bias,
              const float* added, float* y) {
  ctx.run(kernels::conv2d,
          {x, weight, bias, added, y, s.batch, s.height, s.width, s.channels, s.out_height, s.out_width, s.out_channels,
           s.kernel_height, s.kernel_width, s.stride, s.pad_top, s.pad_left, kernels::ConvActivation::kNone});
}

Tensor no_bias(const ops::OpContext& ctx, int64_t channels) {
  return Tensor::zeros<float>({channels}, "conv", ctx.device());
}

void backward_weight(const ops::OpContext& ctx, const ConvShape& s, const Tensor& wide, const Tensor& narrow,
                     const GradSlot& slot) {
  const size_t bytes = kernels::conv2d_backward_weight_workspace_bytes(ctx.device().backend, s);
  const Storage workspace = ctx.workspace(static_cast<int64_t>(bytes));
  ctx.run(kernels::conv2d_backward_weight, {ctx.in<float>(wide), ctx.in<float>(narrow), ctx.out<float>(slot.tensor),
                                            static_cast<float*>(ctx.scratch(workspace)), s, mode_of(slot)});
}

}  // namespace

std::vector<Shape> Conv2d::infer(const Inputs& in, const Attrs& attrs) {
  check_operands(kName, in, attrs, 3);
  const Tensor &x = in[0], &weight = in[1];
  if (in.has(2)) {
    check_float32(kName, "bias", in[2]);
    check_shape(kName, "bias", in[2], {weight.dim(0)});
  }
  const auto out = [&](int64_t axis) { return x.dim(axis) + 2 * attrs.pad - weight.dim(axis); };
  ASSAY_CHECK(out(1) >= 0 && out(2) >= 0, kName, ": windows of ", weight.dim(1), " x ", weight.dim(2),
              " on x of shape ", to_string(x.shape()), " with ", attrs.pad, " zeros around");
  return {{x.dim(0), out(1) / attrs.stride + 1, out(2) / attrs.stride + 1, weight.dim(0)}};
}

void Conv2d::forward(ForwardContext& c, const Attrs& attrs) {
  const Tensor &x = c.input(0), &weight = c.input(1), &y = c.output(0);
  const ops::OpContext ctx(kName, {{"x", &x}, {"weight", &weight}});
  const Tensor bias = c.has_input(2) ? c.input(2) : no_bias(ctx, weight.dim(0));
  convolve(ctx, conv_shape(x.shape(), weight.shape(), y.shape(), attrs), ctx.in<float>(x), ctx.in<float>(weight),
           ctx.in<float>(bias), nullptr, ctx.out<float>(y));
  c.save(x);
  c.save(weight);
}

void Conv2d::backward(BackwardContext& c, const Attrs& attrs) {
  const Tensor &grad_y = c.grad_output(0), &x = c.saved(0), &weight = c.saved(1);
  const ops::OpContext ctx(kName, {{"grad_y", &grad_y}, {"x", &x}, {"weight", &weight}});
  const ConvShape shape = conv_shape(x.shape(), weight.shape(), grad_y.shape(), attrs);
  if (const GradSlot slot = c.grad_input(0); slot.is_wanted) {
    ctx.run(kernels::conv2d_backward_data,
            {ctx.in<float>(grad_y), ctx.in<float>(weight), ctx.out<float>(slot.tensor), shape, mode_of(slot)});
  }
  if (const GradSlot slot = c.grad_input(1); slot.is_wanted) backward_weight(ctx, shape, x, grad_y, slot);
  if (const GradSlot slot = c.grad_input(2); slot.is_wanted) {
    const auto [rows, cols] = as_rows(grad_y);
    const Storage workspace = ctx.workspace(static_cast<int64_t>(kernels::column_sum_workspace_bytes(rows, cols)));
    ctx.run(kernels::column_sum, {ctx.in<float>(grad_y), nullptr, ctx.out<float>(slot.tensor),
                                  static_cast<float*>(ctx.scratch(workspace)), rows, cols, mode_of(slot)});
  }
}

std::vector<Shape> ConvTranspose2d::infer(const Inputs& in, const Attrs& attrs) {
  check_operands(kName, in, attrs, 0);
  const Tensor &x = in[0], &weight = in[1];
  const auto out = [&](int64_t axis, int64_t crop) {
    return (x.dim(axis) - 1) * attrs.stride + weight.dim(axis) - 2 * attrs.pad - crop;
  };
  const int64_t height = out(1, attrs.crop_rows), width = out(2, attrs.crop_columns);
  ASSAY_CHECK(
      attrs.crop_rows >= 0 && attrs.crop_columns >= 0 && x.dim(1) >= 1 && x.dim(2) >= 1 && height >= 1 && width >= 1,
      kName, ": windows of ", weight.dim(1), " x ", weight.dim(2), " from x of shape ", to_string(x.shape()),
      " without ", attrs.pad, " cells around and ", attrs.crop_rows, " x ", attrs.crop_columns,
      " at the end leave nothing");
  return {{x.dim(0), height, width, weight.dim(3)}};
}

void ConvTranspose2d::forward(ForwardContext& c, const Attrs& attrs) {
  const Tensor &x = c.input(0), &weight = c.input(1), &y = c.output(0);
  const ops::OpContext ctx(kName, {{"x", &x}, {"weight", &weight}});
  ctx.run(kernels::conv2d_backward_data, {ctx.in<float>(x), ctx.in<float>(weight), ctx.out<float>(y),
                                          conv_shape(y.shape(), weight.shape(), x.shape(), attrs)});
  c.save(x);
  c.save(weight);
}

void ConvTranspose2d::backward(BackwardContext& c, const Attrs& attrs) {
  const Tensor &grad_y = c.grad_output(0), &x = c.saved(0), &weight = c.saved(1);
  const ops::OpContext ctx(kName, {{"grad_y", &grad_y}, {"x", &x}, {"weight", &weight}});
  const ConvShape shape = conv_shape(grad_y.shape(), weight.shape(), x.shape(), attrs);
  if (const GradSlot slot = c.grad_input(0); slot.is_wanted) {
    float* grad_x = ctx.out<float>(slot.tensor);
    convolve(ctx, shape, ctx.in<float>(grad_y), ctx.in<float>(weight), ctx.in<float>(no_bias(ctx, weight.dim(0))),
             slot.accumulates ? grad_x : nullptr, grad_x);
  }
  if (const GradSlot slot = c.grad_input(1); slot.is_wanted) backward_weight(ctx, shape, grad_y, x, slot);
}

}  // namespace assay::autograd
