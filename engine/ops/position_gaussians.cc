// SPDX-License-Identifier: Apache-2.0
#include "engine/ops/position_gaussians.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "engine/device/copy.h"
#include "engine/ops/op_context.h"
#include "kernels/gaussian/cholesky.h"
#include "kernels/gaussian/covariance.h"
#include "kernels/gaussian/mahalanobis.h"
#include "kernels/gaussian/packed_triangle.h"

namespace assay::ops {
namespace {

constexpr char kTag[] = "gaussians";

Storage zero_doubles(int64_t rows, int64_t cols, Device device) {
  // num_elements refuses what overflows; the last axis turns elements into bytes.
  Storage storage(num_elements({rows, cols, sizeof(double)}), kTag, device);
  fill_zero(storage.address(), storage.bytes(), current_stream(device));
  return storage;
}

// The doubles of a storage, rounded, on its device. By way of the host: once a fit, and far from what takes time.
Tensor rounded(const OpContext& ctx, const Storage& storage, const Shape& shape) {
  const Tensor host = Tensor::empty<float>(shape, kTag);
  std::vector<double> values(static_cast<size_t>(host.size()));
  copy_bytes(ctx.in<std::byte>(storage), ctx.device(), reinterpret_cast<std::byte*>(values.data()), Device::cpu(),
             storage.bytes(), ctx.stream());
  ctx.stream().synchronise();
  std::copy(values.begin(), values.end(), host.data<float>());
  return host.to(ctx.device(), kTag);
}

int64_t checked_channels(int64_t positions, int64_t channels) {
  ASSAY_CHECK(positions >= 1 && channels >= 1 && channels <= INT32_MAX, "GaussianAccumulator: ", positions,
              " positions of ", channels, " channels, expected at least one of each and fewer than 2^31 channels");
  return channels;
}

bool all_finite(const Tensor& t) {
  return std::all_of(t.data<float>(), t.data<float>() + t.size(), [](float v) { return std::isfinite(v); });
}

}  // namespace

Status validate(const PositionGaussians& gaussians, int64_t positions, int64_t channels) {
  const auto check_shape = [](const char* name, const Tensor& t, const Shape& expected) {
    if (t.dtype() == DType::kFloat32 && t.shape() == expected) return Status();
    return Status::error(name, " has shape ", to_string(t.shape()), ", expected ", to_string(expected), " of float32");
  };
  const int64_t size = kernels::packed_size(channels);
  ASSAY_RETURN_IF_ERROR(check_shape("mean", gaussians.mean, {positions, channels}));
  ASSAY_RETURN_IF_ERROR(check_shape("cholesky", gaussians.cholesky, {positions, size}));
  if (!all_finite(gaussians.mean)) return Status::error("mean holds a value that is not finite");
  if (!all_finite(gaussians.cholesky)) return Status::error("cholesky holds a value that is not finite");
  for (int64_t p = 0; p < positions; ++p) {
    const float* factor = gaussians.cholesky.data<float>() + p * size;
    for (int64_t j = 0; j < channels; ++j) {
      const float diagonal = factor[kernels::packed_column(channels, j)];
      if (diagonal > 0) continue;
      return Status::error("cholesky: diagonal element ", j, " of position ", p, " is ", diagonal, ", expected > 0");
    }
  }
  return Status();
}

PositionGaussians PositionGaussians::to(Device device) const {
  return {mean.to(device, kTag), cholesky.to(device, kTag)};
}

GaussianAccumulator::GaussianAccumulator(int64_t positions, int64_t channels, Device device)
    : device_(device),
      positions_(positions),
      channels_(checked_channels(positions, channels)),
      mean_(zero_doubles(positions, channels, device)),
      comoment_(zero_doubles(positions, kernels::packed_size(channels), device)) {}

void GaussianAccumulator::add(const Tensor& samples) {
  ASSAY_CHECK(samples.dtype() == DType::kFloat32 && samples.rank() == 3 && samples.dim(1) == positions_ &&
                  samples.dim(2) == channels_,
              "GaussianAccumulator: samples have shape ", to_string(samples.shape()), ", expected (N, ", positions_,
              ", ", channels_, ") of float32");
  ASSAY_CHECK(samples.device() == device_, "GaussianAccumulator: samples lie on ", to_string(samples.device()),
              ", expected ", to_string(device_));
  const OpContext ctx("GaussianAccumulator", {{"samples", &samples}});
  ctx.run(kernels::covariance_accumulate, {ctx.in<float>(samples), ctx.out<double>(mean_), ctx.out<double>(comoment_),
                                           samples.dim(0), count_, positions_, channels_});
  count_ += samples.dim(0);
}

PositionGaussians GaussianAccumulator::finish(double regularisation) && {
  ASSAY_CHECK(count_ >= 1, "GaussianAccumulator: finish without a sample");
  ASSAY_CHECK(regularisation > 0 && std::isfinite(regularisation), "GaussianAccumulator: regularisation ",
              regularisation, ", expected a positive number");
  const int64_t size = kernels::packed_size(channels_);
  PositionGaussians g = {Tensor(), Tensor::empty<float>({positions_, size}, kTag, device_)};
  const OpContext ctx("GaussianAccumulator", {{"cholesky", &g.cholesky}});
  g.mean = rounded(ctx, mean_, {positions_, channels_});
  const Tensor bad_pivots = ctx.empty<int64_t>({positions_}, kTag);
  ctx.run(kernels::covariance_finish, {ctx.out<double>(comoment_), count_, positions_, channels_, regularisation});
  ctx.run(kernels::cholesky, {ctx.out<double>(comoment_), ctx.out<float>(g.cholesky), ctx.out<int64_t>(bad_pivots),
                              positions_, channels_});
  const Tensor bad_pivot = bad_pivots.to(Device::cpu(), kTag);
  for (int64_t p = 0; p < positions_; ++p) {
    const int64_t pivot = bad_pivot.data<int64_t>()[p];
    ASSAY_CHECK(pivot < 0, "covariance of position ", p, " is not positive definite (pivot ", pivot, " of ", channels_,
                "), regularised by ", regularisation, ": are all features finite and of a sane scale?");
  }
  return g;
}

Tensor mahalanobis(const PositionGaussians& gaussians, const Tensor& x) {
  ASSAY_CHECK(x.dtype() == DType::kFloat32 && x.rank() == 2 && x.dim(1) >= 1, "mahalanobis: x has shape ",
              to_string(x.shape()), ", expected (P, D) of float32");
  const int64_t positions = x.dim(0), channels = x.dim(1), size = kernels::packed_size(channels);
  ASSAY_CHECK(gaussians.mean.dtype() == DType::kFloat32 && gaussians.mean.shape() == x.shape(),
              "mahalanobis: mean has shape ", to_string(gaussians.mean.shape()), ", expected that of x, ",
              to_string(x.shape()));
  ASSAY_CHECK(gaussians.cholesky.dtype() == DType::kFloat32 && gaussians.cholesky.shape() == Shape({positions, size}),
              "mahalanobis: cholesky has shape ", to_string(gaussians.cholesky.shape()), ", expected ",
              to_string({positions, size}));
  const OpContext ctx("mahalanobis", {{"x", &x}, {"mean", &gaussians.mean}, {"cholesky", &gaussians.cholesky}});
  Tensor distance = ctx.empty<float>({positions}, "maps");
  const Storage workspace = ctx.workspace(num_elements({positions, channels, sizeof(double)}));
  ctx.run(kernels::mahalanobis, {ctx.in<float>(x), ctx.in<float>(gaussians.mean), ctx.in<float>(gaussians.cholesky),
                                 ctx.out<double>(workspace), ctx.out<float>(distance), positions, channels});
  return distance;
}

}  // namespace assay::ops
