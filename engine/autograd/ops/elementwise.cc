// SPDX-License-Identifier: Apache-2.0
#include "engine/autograd/ops/elementwise.h"

#include <algorithm>

#include "engine/autograd/ops/op_run.h"
#include "kernels/arithmetic/combine.h"
#include "kernels/reduce/axis_sum.h"

namespace assay::autograd {
namespace {

using kernels::Broadcast;
using kernels::Combination;
using kernels::CombineArgs;

void check_operands(const char* op, const Inputs& in) {
  check_float32(op, "a", in[0]);
  check_float32(op, "b", in[1]);
  const Shape &a = in[0].shape(), &b = in[1].shape();
  ASSAY_CHECK(b.size() <= a.size() && std::equal(b.rbegin(), b.rend(), a.rbegin()), op, ": b has shape ", to_string(b),
              ", expected ", to_string(a), " or its last axes");
}

// a as rows of b's size.
Rows rows_of(const Tensor& a, const Tensor& b) { return {b.size() == 0 ? 0 : a.size() / b.size(), b.size()}; }

Broadcast broadcast_of(const Tensor& a, const Tensor& b) {
  return a.size() == b.size() ? Broadcast::kNone : Broadcast::kRow;
}

// grad_b from terms of a's shape: factor * alpha * grad_y, summed over the repeated axes.
void reduce_to(const ops::OpContext& ctx, const float* grad_y, const float* factor, const Rows& r, float alpha,
               const GradSlot& slot) {
  float* grad_b = ctx.out<float>(slot.tensor);
  const Storage workspace = ctx.workspace(static_cast<int64_t>(kernels::column_sum_workspace_bytes(r.rows, r.cols)));
  float* scratch = static_cast<float*>(ctx.scratch(workspace));
  if (alpha == 1) {
    ctx.run(kernels::column_sum,
            kernels::ColumnSumArgs{grad_y, factor, grad_b, scratch, r.rows, r.cols, mode_of(slot)});
    return;
  }
  const Tensor sum = ctx.empty<float>({r.cols}, "gradients");
  float* s = ctx.out<float>(sum);
  ctx.run(kernels::column_sum, kernels::ColumnSumArgs{grad_y, factor, s, scratch, r.rows, r.cols});
  ctx.run(kernels::combine,
          CombineArgs{nullptr, s, grad_b, 1, r.cols, Combination::kTake, Broadcast::kNone, alpha, mode_of(slot)});
}

}  // namespace

std::vector<Shape> Add::infer(const Inputs& in, const Attrs&) {
  check_operands(kName, in);
  return {in[0].shape()};
}

void Add::forward(ForwardContext& c, const Attrs& attrs) {
  const Tensor &a = c.input(0), &b = c.input(1);
  const ops::OpContext ctx(kName, {{"a", &a}, {"b", &b}});
  const Rows r = rows_of(a, b);
  ctx.run(kernels::combine, CombineArgs{ctx.in<float>(a), ctx.in<float>(b), ctx.out<float>(c.output(0)), r.rows, r.cols,
                                        Combination::kAdd, broadcast_of(a, b), attrs.alpha});
  if (b.size() != a.size()) c.save(b);  // for its shape
}

void Add::backward(BackwardContext& c, const Attrs& attrs) {
  const Tensor& grad_y = c.grad_output(0);
  c.pass_grad(0, grad_y);
  if (!c.needs_grad(1)) return;
  const bool is_repeated = c.num_saved() > 0;
  if (!is_repeated && attrs.alpha == 1) {
    c.pass_grad(1, grad_y);
    return;
  }
  const ops::OpContext ctx(kName, {{"grad_y", &grad_y}});
  const GradSlot slot = c.grad_input(1);
  if (is_repeated) {
    reduce_to(ctx, ctx.in<float>(grad_y), nullptr, rows_of(grad_y, c.saved(0)), attrs.alpha, slot);
  } else {
    ctx.run(kernels::combine, CombineArgs{nullptr, ctx.in<float>(grad_y), ctx.out<float>(slot.tensor), 1, grad_y.size(),
                                          Combination::kTake, Broadcast::kNone, attrs.alpha, mode_of(slot)});
  }
}

std::vector<Shape> Multiply::infer(const Inputs& in, const Attrs&) {
  check_operands(kName, in);
  return {in[0].shape()};
}

void Multiply::forward(ForwardContext& c, const Attrs&) {
  const Tensor &a = c.input(0), &b = c.input(1);
  const ops::OpContext ctx(kName, {{"a", &a}, {"b", &b}});
  const Rows r = rows_of(a, b);
  ctx.run(kernels::combine, CombineArgs{ctx.in<float>(a), ctx.in<float>(b), ctx.out<float>(c.output(0)), r.rows, r.cols,
                                        Combination::kMultiply, broadcast_of(a, b)});
  c.save(a);
  c.save(b);
}

void Multiply::backward(BackwardContext& c, const Attrs&) {
  const Tensor &grad_y = c.grad_output(0), &a = c.saved(0), &b = c.saved(1);
  const ops::OpContext ctx(kName, {{"grad_y", &grad_y}, {"a", &a}, {"b", &b}});
  const Rows r = rows_of(a, b);
  const float* g = ctx.in<float>(grad_y);
  if (const GradSlot slot = c.grad_input(0); slot.is_wanted) {
    ctx.run(kernels::combine, CombineArgs{g, ctx.in<float>(b), ctx.out<float>(slot.tensor), r.rows, r.cols,
                                          Combination::kMultiply, broadcast_of(a, b), 1, mode_of(slot)});
  }
  if (const GradSlot slot = c.grad_input(1); slot.is_wanted) {
    if (a.size() == b.size()) {
      ctx.run(kernels::combine, CombineArgs{g, ctx.in<float>(a), ctx.out<float>(slot.tensor), r.rows, r.cols,
                                            Combination::kMultiply, Broadcast::kNone, 1, mode_of(slot)});
    } else {
      reduce_to(ctx, g, ctx.in<float>(a), r, 1, slot);
    }
  }
}

std::vector<Shape> Scale::infer(const Inputs& in, const Attrs&) {
  check_float32(kName, "x", in[0]);
  return {in[0].shape()};
}

void Scale::forward(ForwardContext& c, const Attrs& attrs) {
  const Tensor& x = c.input(0);
  const ops::OpContext ctx(kName, {{"x", &x}});
  ctx.run(kernels::combine, CombineArgs{nullptr, ctx.in<float>(x), ctx.out<float>(c.output(0)), 1, x.size(),
                                        Combination::kTake, Broadcast::kNone, attrs.factor});
}

void Scale::backward(BackwardContext& c, const Attrs& attrs) {
  const Tensor& grad_y = c.grad_output(0);
  const ops::OpContext ctx(kName, {{"grad_y", &grad_y}});
  const GradSlot slot = c.grad_input(0);
  ctx.run(kernels::combine, CombineArgs{nullptr, ctx.in<float>(grad_y), ctx.out<float>(slot.tensor), 1, grad_y.size(),
                                        Combination::kTake, Broadcast::kNone, attrs.factor, mode_of(slot)});
}

}  // namespace assay::autograd
