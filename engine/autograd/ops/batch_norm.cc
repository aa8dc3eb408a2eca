// SPDX-License-Identifier: Apache-2.0
#include "engine/autograd/ops/batch_norm.h"

#include "engine/autograd/ops/op_run.h"
#include "kernels/norm/batch_norm.h"

namespace assay::autograd {
namespace {

// Whether the tensor is there. (One that is not has no elements, and C is at least 1.)
bool is_kept(const Tensor& running) { return running.size() > 0; }

Storage workspace_for(const ops::OpContext& ctx, const Rows& r) {
  return ctx.workspace(static_cast<int64_t>(kernels::batch_norm_workspace_bytes(r.rows, r.cols)));
}

}  // namespace

std::vector<Shape> BatchNorm::infer(const Inputs& in, const Attrs& attrs) {
  const Tensor& x = in[0];
  check_float32(kName, "x", x);
  const Rows r = as_rows(x);
  ASSAY_CHECK(x.rank() >= 1 && r.cols >= 1 && r.rows >= 2, kName, ": x has shape ", to_string(x.shape()),
              ", expected (..., C) with C >= 1 and at least two rows");
  for (const int64_t i : {1, 2}) {
    const char* name = i == 1 ? "gamma" : "beta";
    check_float32(kName, name, in[i]);
    check_shape(kName, name, in[i], {r.cols});
  }
  ASSAY_CHECK(attrs.eps > 0 && attrs.momentum >= 0 && attrs.momentum <= 1, kName, ": eps is ", attrs.eps, ", momentum ",
              attrs.momentum, ", expected a positive number and 0 to 1");
  for (const Tensor* running : {&attrs.running_mean, &attrs.running_variance}) {
    if (!is_kept(*running)) continue;
    check_float32(kName, "a running statistic", *running);
    check_shape(kName, "a running statistic", *running, {r.cols});
  }
  return {x.shape()};
}

void BatchNorm::forward(ForwardContext& c, const Attrs& attrs) {
  const Tensor &x = c.input(0), &gamma = c.input(1), &beta = c.input(2);
  const Tensor& running_mean = is_kept(attrs.running_mean) ? attrs.running_mean : gamma;
  const Tensor& running_variance = is_kept(attrs.running_variance) ? attrs.running_variance : gamma;
  const ops::OpContext ctx(kName, {{"x", &x},
                                   {"gamma", &gamma},
                                   {"beta", &beta},
                                   {"running mean", &running_mean},
                                   {"running variance", &running_variance}});
  const Rows r = as_rows(x);
  const Tensor mean = ctx.empty<float>({r.cols}, kName), variance = ctx.empty<float>({r.cols}, kName);
  const Storage workspace = workspace_for(ctx, r);
  ctx.run(kernels::batch_norm_statistics,
          {ctx.in<float>(x), ctx.out<float>(mean), ctx.out<float>(variance),
           is_kept(attrs.running_mean) ? ctx.out<float>(attrs.running_mean) : nullptr,
           is_kept(attrs.running_variance) ? ctx.out<float>(attrs.running_variance) : nullptr,
           static_cast<float*>(ctx.scratch(workspace)), r.rows, r.cols, attrs.momentum});
  ctx.run(kernels::batch_norm_apply,
          {ctx.in<float>(x), ctx.in<float>(mean), ctx.in<float>(variance), ctx.in<float>(gamma), ctx.in<float>(beta),
           ctx.out<float>(c.output(0)), r.rows, r.cols, attrs.eps});
  c.save(x);
  c.save(gamma);
  c.save(mean);
  c.save(variance);
}

void BatchNorm::backward(BackwardContext& c, const Attrs& attrs) {
  const Tensor &grad_y = c.grad_output(0), &x = c.saved(0), &gamma = c.saved(1);
  const ops::OpContext ctx(kName, {{"grad_y", &grad_y}, {"x", &x}});
  const Rows r = as_rows(x);
  const GradSlot grad_x = c.grad_input(0), grad_gamma = c.grad_input(1), grad_beta = c.grad_input(2);
  const Storage workspace = workspace_for(ctx, r);
  ctx.run(kernels::batch_norm_backward,
          {ctx.in<float>(x), ctx.in<float>(c.saved(2)), ctx.in<float>(c.saved(3)), ctx.in<float>(gamma),
           ctx.in<float>(grad_y), grad_address(ctx, grad_x), grad_address(ctx, grad_gamma),
           grad_address(ctx, grad_beta), static_cast<float*>(ctx.scratch(workspace)), r.rows, r.cols, attrs.eps,
           mode_of(grad_x), mode_of(grad_gamma), mode_of(grad_beta)});
}

}  // namespace assay::autograd
