// SPDX-License-Identifier: Apache-2.0
#include "engine/autograd/ops/linear.h"

#include <algorithm>

#include "engine/autograd/ops/op_run.h"
#include "kernels/matmul/gemm.h"
#include "kernels/reduce/axis_sum.h"

namespace assay::autograd {
namespace {

struct Matrix {
  const float* data;
  int64_t stride;
  bool is_transposed;
};

kernels::GemmArgs product(const Matrix& a, const Matrix& b, float* c, int64_t m, int64_t n, int64_t k) {
  kernels::GemmArgs args = {};
  args.a = a.data;
  args.lda = std::max<int64_t>(1, a.stride);
  args.transpose_a = a.is_transposed;
  args.b = b.data;
  args.ldb = std::max<int64_t>(1, b.stride);
  args.transpose_b = b.is_transposed;
  args.c = c;
  args.ldc = std::max<int64_t>(1, n);
  args.m = m;
  args.n = n;
  args.k = k;
  return args;
}

}  // namespace

std::vector<Shape> Linear::infer(const Inputs& in, const Attrs&) {
  const Tensor &x = in[0], &weight = in[1];
  check_float32(kName, "x", x);
  check_float32(kName, "weight", weight);
  ASSAY_CHECK(weight.rank() == 2 && x.rank() >= 1 && x.dim(x.rank() - 1) == weight.dim(1), kName, ": weight has shape ",
              to_string(weight.shape()), ", x has shape ", to_string(x.shape()), ", expected (C_out, C_in) and (..., ",
              "C_in)");
  if (in.has(2)) {
    check_float32(kName, "bias", in[2]);
    check_shape(kName, "bias", in[2], {weight.dim(0)});
  }
  Shape y = x.shape();
  y.back() = weight.dim(0);
  return {y};
}

void Linear::forward(ForwardContext& c, const Attrs&) {
  const Tensor &x = c.input(0), &weight = c.input(1);
  const ops::OpContext ctx(kName, {{"x", &x}, {"weight", &weight}});
  const auto [rows, in] = as_rows(x);
  const int64_t out = weight.dim(0);
  kernels::GemmArgs args = product({ctx.in<float>(x), in, false}, {ctx.in<float>(weight), in, true},
                                   ctx.out<float>(c.output(0)), rows, out, in);
  if (c.has_input(2)) args.epilogue.bias = ctx.in<float>(c.input(2));
  ctx.run(kernels::gemm, args);
  c.save(x);
  c.save(weight);
}

void Linear::backward(BackwardContext& c, const Attrs&) {
  const Tensor &grad_y = c.grad_output(0), &x = c.saved(0), &weight = c.saved(1);
  const ops::OpContext ctx(kName, {{"grad_y", &grad_y}, {"x", &x}, {"weight", &weight}});
  const auto [rows, in] = as_rows(x);
  const int64_t out = weight.dim(0);
  if (const GradSlot slot = c.grad_input(0); slot.is_wanted) {
    kernels::GemmArgs args = product({ctx.in<float>(grad_y), out, false}, {ctx.in<float>(weight), in, false},
                                     ctx.out<float>(slot.tensor), rows, in, out);
    args.epilogue.beta = slot.accumulates ? 1.0f : 0.0f;
    ctx.run(kernels::gemm, args);
  }
  if (const GradSlot slot = c.grad_input(1); slot.is_wanted) {
    kernels::GemmArgs args = product({ctx.in<float>(grad_y), out, true}, {ctx.in<float>(x), in, false},
                                     ctx.out<float>(slot.tensor), out, in, rows);
    args.epilogue.beta = slot.accumulates ? 1.0f : 0.0f;
    ctx.run(kernels::gemm, args);
  }
  if (const GradSlot slot = c.grad_input(2); slot.is_wanted) {
    const Storage workspace = ctx.workspace(static_cast<int64_t>(kernels::column_sum_workspace_bytes(rows, out)));
    ctx.run(kernels::column_sum,
            kernels::ColumnSumArgs{ctx.in<float>(grad_y), nullptr, ctx.out<float>(slot.tensor),
                                   static_cast<float*>(ctx.scratch(workspace)), rows, out, mode_of(slot)});
  }
}

}  // namespace assay::autograd
