// SPDX-License-Identifier: Apache-2.0
// Rows in parallel, vectors along the channels; a row stays in the first-level cache over its passes. Backward takes
// slabs of rows, whose shares of grad_gamma and grad_beta are added up afterwards in the order of the slabs.
#include <algorithm>
#include <cmath>

#include "kernels/base/parallel.h"
#include "kernels/base/simd.h"
#include "kernels/norm/layer_norm.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/norm/layer_norm_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After highway.h: compiled again for each target.
#include "kernels/base/simd_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::kernels {
namespace HWY_NAMESPACE {

void normalise_rows(const LayerNormForwardArgs& a, int64_t begin, int64_t end) {
  for (int64_t r = begin; r < end; ++r) {
    const float* x = a.x + r * a.cols;
    float* y = a.y + r * a.cols;
    const float mean = sum_of(a.cols, [&](auto d, int64_t c) { return hn::LoadU(d, x + c); }) / a.cols;
    const float variance = sum_of(a.cols,
                                  [&](auto d, int64_t c) {
                                    const auto centred = hn::Sub(hn::LoadU(d, x + c), hn::Set(d, mean));
                                    return hn::Mul(centred, centred);
                                  }) /
                           a.cols;
    const float rstd = 1 / std::sqrt(variance + a.eps);
    if (a.mean != nullptr) a.mean[r] = mean;
    if (a.rstd != nullptr) a.rstd[r] = rstd;
    for_lanes(a.cols, [&](auto d, int64_t c) {
      const auto xhat = hn::Mul(hn::Sub(hn::LoadU(d, x + c), hn::Set(d, mean)), hn::Set(d, rstd));
      hn::StoreU(hn::MulAdd(xhat, hn::LoadU(d, a.gamma + c), hn::LoadU(d, a.beta + c)), d, y + c);
    });
  }
}

template <class D>
HWY_INLINE hn::Vec<D> normalised(D d, const LayerNormBackwardArgs& a, int64_t r, int64_t c) {
  const auto x = hn::LoadU(d, a.x + r * a.cols + c);
  return hn::Mul(hn::Sub(x, hn::Set(d, a.mean[r])), hn::Set(d, a.rstd[r]));
}

void grad_x_of_row(const LayerNormBackwardArgs& a, int64_t r) {
  const float* grad_y = a.grad_y + r * a.cols;
  const auto scaled = [&](auto d, int64_t c) { return hn::Mul(hn::LoadU(d, grad_y + c), hn::LoadU(d, a.gamma + c)); };
  const float sum = sum_of(a.cols, scaled);
  const float projection =
      sum_of(a.cols, [&](auto d, int64_t c) { return hn::Mul(scaled(d, c), normalised(d, a, r, c)); });
  const float share = sum / a.cols, slope = projection / a.cols;
  const bool accumulate = a.grad_x_mode == GradMode::kAccumulate;
  for_lanes(a.cols, [&](auto d, int64_t c) {
    const auto common = hn::MulAdd(normalised(d, a, r, c), hn::Set(d, slope), hn::Set(d, share));
    const auto grad = hn::Mul(hn::Sub(scaled(d, c), common), hn::Set(d, a.rstd[r]));
    store_grad(d, accumulate, grad, a.grad_x + r * a.cols + c);
  });
}

// Adds a row's share to grad_gamma and grad_beta of its slab: (2, C).
void add_parameter_grads(const LayerNormBackwardArgs& a, int64_t r, float* partial) {
  for_lanes(a.cols, [&](auto d, int64_t c) {
    const auto grad_y = hn::LoadU(d, a.grad_y + r * a.cols + c);
    hn::StoreU(hn::MulAdd(grad_y, normalised(d, a, r, c), hn::LoadU(d, partial + c)), d, partial + c);
    float* beta = partial + a.cols + c;
    hn::StoreU(hn::Add(grad_y, hn::LoadU(d, beta)), d, beta);
  });
}

void backward_slab(const LayerNormBackwardArgs& a, int64_t begin, int64_t end, float* partial) {
  if (partial != nullptr) std::fill(partial, partial + 2 * a.cols, 0.0f);
  for (int64_t r = begin; r < end; ++r) {
    // First, for grad_x may overwrite grad_y.
    if (partial != nullptr) add_parameter_grads(a, r, partial);
    if (a.grad_x != nullptr) grad_x_of_row(a, r);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace assay::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::kernels {

HWY_EXPORT(normalise_rows);
HWY_EXPORT(backward_slab);

constexpr int64_t kRowsPerPiece = 64;  // some 20 microseconds of work at 768 channels

void layer_norm_forward_cpu(const LayerNormForwardArgs& a) {
  parallel_for(a.rows, kRowsPerPiece, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(normalise_rows)(a, begin, end);
  });
}

void layer_norm_backward_cpu(const LayerNormBackwardArgs& a) {
  const bool parameters = a.grad_gamma != nullptr || a.grad_beta != nullptr;
  parallel_for(a.rows, kLayerNormSlabRows, [&](int64_t begin, int64_t end) {
    float* partial = parameters ? a.workspace + begin / kLayerNormSlabRows * 2 * a.cols : nullptr;
    HWY_DYNAMIC_DISPATCH(backward_slab)(a, begin, end, partial);
  });
  if (!parameters) return;
  const int64_t slabs = layer_norm_slabs(a.rows);
  for (int64_t c = 0; c < a.cols; ++c) {
    double gamma = 0, beta = 0;
    for (int64_t slab = 0; slab < slabs; ++slab) {
      gamma += a.workspace[slab * 2 * a.cols + c];
      beta += a.workspace[(slab * 2 + 1) * a.cols + c];
    }
    if (a.grad_gamma != nullptr) {
      a.grad_gamma[c] = merged_grad(a.grad_gamma_mode, a.grad_gamma + c, static_cast<float>(gamma));
    }
    if (a.grad_beta != nullptr) {
      a.grad_beta[c] = merged_grad(a.grad_beta_mode, a.grad_beta + c, static_cast<float>(beta));
    }
  }
}

}  // namespace assay::kernels
#endif
