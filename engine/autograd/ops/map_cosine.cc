// SPDX-License-Identifier: Apache-2.0
#include "engine/autograd/ops/map_cosine.h"

#include "engine/autograd/ops/op_run.h"
#include "kernels/arithmetic/combine.h"
#include "kernels/loss/cosine_distance.h"
#include "kernels/loss/hard_mining.h"
#include "kernels/reduce/total.h"

namespace assay::autograd {
namespace {

// Cosine distance of each of `rows` rows.
void distances(const ops::OpContext& ctx, const float* a, const float* b, const Tensor& distance, float* norms,
               int64_t rows, int64_t cols) {
  const Storage workspace = ctx.workspace(static_cast<int64_t>(kernels::cosine_distance_workspace_bytes(rows, cols)));
  ctx.run(kernels::cosine_distance_forward,
          {a, b, ctx.out<float>(distance), norms, static_cast<double*>(ctx.scratch(workspace)), rows, cols});
}

// Scales the gradient at the points of the batch whose distance is below the quantile.
void mine(const ops::OpContext& ctx, const Tensor& target, const Tensor& reconstruction, const Tensor& grad,
          const MapCosine::Attrs& attrs) {
  const int64_t points = target.dim(0) * target.dim(1), channels = target.dim(2);
  const Tensor distance = ctx.empty<float>({points}, MapCosine::kName);
  const Tensor threshold = ctx.empty<float>({1}, MapCosine::kName);
  distances(ctx, ctx.in<float>(target), ctx.in<float>(reconstruction), distance, nullptr, points, channels);
  const Storage workspace =
      ctx.workspace(static_cast<int64_t>(kernels::kth_largest_workspace_bytes(ctx.device().backend, points)));
  ctx.run(kernels::kth_largest,
          {ctx.in<float>(distance), ctx.out<float>(threshold), static_cast<uint32_t*>(ctx.scratch(workspace)), points,
           kernels::hard_mining_k(points, attrs.quantile)});
  ctx.run(kernels::hard_mining_scale,
          {ctx.in<float>(distance), ctx.in<float>(threshold), ctx.out<float>(grad), points, channels, attrs.factor});
}

}  // namespace

std::vector<Shape> MapCosine::infer(const Inputs& in, const Attrs& attrs) {
  check_float32(kName, "target", in[0]);
  check_float32(kName, "reconstruction", in[1]);
  ASSAY_CHECK(in[0].rank() == 3 && in[0].size() > 0, kName, ": target has shape ", to_string(in[0].shape()),
              ", expected (B, P, C), none of them 0");
  check_shape(kName, "reconstruction", in[1], in[0].shape());
  ASSAY_CHECK(attrs.quantile >= 0 && attrs.quantile <= 1, kName, ": quantile ", attrs.quantile, ", expected 0 to 1");
  return {{1}};
}

void MapCosine::forward(ForwardContext& c, const Attrs&) {
  const Tensor &target = c.input(0), &reconstruction = c.input(1);
  const ops::OpContext ctx(kName, {{"target", &target}, {"reconstruction", &reconstruction}});
  const int64_t images = target.dim(0), width = target.dim(1) * target.dim(2);
  const Tensor distance = ctx.empty<float>({images}, kName);
  const Tensor norms = ctx.empty<float>({images, 2}, kName);
  distances(ctx, ctx.in<float>(target), ctx.in<float>(reconstruction), distance, ctx.out<float>(norms), images, width);
  const Storage workspace = ctx.workspace(static_cast<int64_t>(kernels::total_workspace_bytes(images)));
  ctx.run(kernels::total, {ctx.in<float>(distance), ctx.out<float>(c.output(0)),
                           static_cast<double*>(ctx.scratch(workspace)), images, kernels::Total::kMean});
  c.save(target);
  c.save(reconstruction);
  c.save(distance);
  c.save(norms);
}

void MapCosine::backward(BackwardContext& c, const Attrs& attrs) {
  const Tensor &grad_y = c.grad_output(0), &target = c.saved(0), &reconstruction = c.saved(1);
  const ops::OpContext ctx(kName, {{"grad_y", &grad_y}, {"target", &target}});
  const int64_t images = target.dim(0), width = target.dim(1) * target.dim(2);
  const Tensor grad_distance = ctx.empty<float>({images}, kName);
  ctx.run(kernels::combine, kernels::CombineArgs{nullptr, ctx.in<float>(grad_y), ctx.out<float>(grad_distance), 1,
                                                 images, kernels::Combination::kTake, kernels::Broadcast::kNumber,
                                                 1.0f / static_cast<float>(images)});
  // Memory of its own for the reconstruction's gradient: it is scaled before it is added to what others give.
  Tensor grad_reconstruction;
  if (c.needs_grad(1)) grad_reconstruction = ctx.empty<float>(target.shape(), "gradients");
  const GradSlot grad_target = c.grad_input(0);
  ctx.run(kernels::cosine_distance_backward,
          {ctx.in<float>(target), ctx.in<float>(reconstruction), ctx.in<float>(c.saved(2)), ctx.in<float>(c.saved(3)),
           ctx.in<float>(grad_distance), grad_address(ctx, grad_target),
           c.needs_grad(1) ? ctx.out<float>(grad_reconstruction) : nullptr, images, width, mode_of(grad_target),
           GradMode::kOverwrite});
  if (!c.needs_grad(1)) return;
  if (attrs.factor != 1) mine(ctx, target, reconstruction, grad_reconstruction, attrs);
  c.pass_grad(1, grad_reconstruction);
}

}  // namespace assay::autograd
