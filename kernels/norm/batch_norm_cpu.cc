// SPDX-License-Identifier: Apache-2.0
// Slabs of rows in parallel, vectors along the channels; what the slabs give is put together in their order.
#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/base/simd.h"
#include "kernels/norm/batch_norm.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/norm/batch_norm_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After highway.h: compiled again for each target.
#include "kernels/base/simd_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::kernels {
namespace HWY_NAMESPACE {

// Mean and sum of squares about it of each column of rows begin .. end - 1, into slab: (2, C).
void slab_statistics(const BatchNormStatisticsArgs& a, int64_t begin, int64_t end, float* slab) {
  float* mean = slab;
  float* squares = slab + a.cols;
  std::fill(slab, slab + 2 * a.cols, 0.0f);
  for (int64_t r = begin; r < end; ++r) {
    const float* x = a.x + r * a.cols;
    for_lanes(a.cols, [&](auto d, int64_t c) {
      hn::StoreU(hn::Add(hn::LoadU(d, mean + c), hn::LoadU(d, x + c)), d, mean + c);
    });
  }
  const float count = static_cast<float>(end - begin);
  for (int64_t c = 0; c < a.cols; ++c) mean[c] /= count;
  for (int64_t r = begin; r < end; ++r) {
    const float* x = a.x + r * a.cols;
    for_lanes(a.cols, [&](auto d, int64_t c) {
      const auto centred = hn::Sub(hn::LoadU(d, x + c), hn::LoadU(d, mean + c));
      hn::StoreU(hn::MulAdd(centred, centred, hn::LoadU(d, squares + c)), d, squares + c);
    });
  }
}

void apply_slab(const BatchNormApplyArgs& a, const float* rstd, int64_t begin, int64_t end) {
  for (int64_t r = begin; r < end; ++r) {
    const float* x = a.x + r * a.cols;
    float* y = a.y + r * a.cols;
    for_lanes(a.cols, [&](auto d, int64_t c) {
      const auto xhat = hn::Mul(hn::Sub(hn::LoadU(d, x + c), hn::LoadU(d, a.mean + c)), hn::LoadU(d, rstd + c));
      hn::StoreU(hn::MulAdd(xhat, hn::LoadU(d, a.gamma + c), hn::LoadU(d, a.beta + c)), d, y + c);
    });
  }
}

template <class D>
HWY_INLINE hn::Vec<D> batch_normalised(D d, const BatchNormBackwardArgs& a, const float* rstd, int64_t r, int64_t c) {
  const auto x = hn::LoadU(d, a.x + r * a.cols + c);
  return hn::Mul(hn::Sub(x, hn::LoadU(d, a.mean + c)), hn::LoadU(d, rstd + c));
}

// Sums of grad_y * xhat and of grad_y over rows begin .. end - 1, into slab: (2, C).
void slab_gradients(const BatchNormBackwardArgs& a, const float* rstd, int64_t begin, int64_t end, float* slab) {
  std::fill(slab, slab + 2 * a.cols, 0.0f);
  for (int64_t r = begin; r < end; ++r) {
    const float* grad_y = a.grad_y + r * a.cols;
    for_lanes(a.cols, [&](auto d, int64_t c) {
      const auto grad = hn::LoadU(d, grad_y + c);
      hn::StoreU(hn::MulAdd(grad, batch_normalised(d, a, rstd, r, c), hn::LoadU(d, slab + c)), d, slab + c);
      float* beta = slab + a.cols + c;
      hn::StoreU(hn::Add(grad, hn::LoadU(d, beta)), d, beta);
    });
  }
}

// total: (2, C), the column's sums over R.
void grad_x_of_slab(const BatchNormBackwardArgs& a, const float* rstd, const float* total, int64_t begin, int64_t end) {
  const bool accumulate = a.grad_x_mode == GradMode::kAccumulate;
  for (int64_t r = begin; r < end; ++r) {
    const float* grad_y = a.grad_y + r * a.cols;
    for_lanes(a.cols, [&](auto d, int64_t c) {
      const auto common =
          hn::MulAdd(batch_normalised(d, a, rstd, r, c), hn::LoadU(d, total + c), hn::LoadU(d, total + a.cols + c));
      const auto scale = hn::Mul(hn::LoadU(d, a.gamma + c), hn::LoadU(d, rstd + c));
      store_grad(d, accumulate, hn::Mul(scale, hn::Sub(hn::LoadU(d, grad_y + c), common)), a.grad_x + r * a.cols + c);
    });
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace assay::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::kernels {

HWY_EXPORT(slab_statistics);
HWY_EXPORT(apply_slab);
HWY_EXPORT(slab_gradients);
HWY_EXPORT(grad_x_of_slab);

namespace {

std::vector<float> reciprocal_deviations(const float* variance, int64_t cols, float eps) {
  std::vector<float> rstd(static_cast<size_t>(cols));
  for (int64_t c = 0; c < cols; ++c) rstd[static_cast<size_t>(c)] = 1 / std::sqrt(variance[c] + eps);
  return rstd;
}

int64_t rows_of_slab(int64_t slab, int64_t rows) {
  return std::min(kBatchNormSlabRows, rows - slab * kBatchNormSlabRows);
}

void finish_column(const BatchNormStatisticsArgs& a, int64_t c) {
  const int64_t slabs = batch_norm_slabs(a.rows);
  const double rows = static_cast<double>(a.rows);
  double sum = 0, squares = 0;
  for (int64_t slab = 0; slab < slabs; ++slab) {
    sum += static_cast<double>(rows_of_slab(slab, a.rows)) * a.workspace[slab * 2 * a.cols + c];
  }
  const double mean = sum / rows;
  for (int64_t slab = 0; slab < slabs; ++slab) {
    const double off = a.workspace[slab * 2 * a.cols + c] - mean;
    squares += a.workspace[(slab * 2 + 1) * a.cols + c] + static_cast<double>(rows_of_slab(slab, a.rows)) * off * off;
  }
  a.mean[c] = static_cast<float>(mean);
  a.variance[c] = static_cast<float>(squares / rows);
  const auto keep = [&](float* running, double value) {
    if (running != nullptr) running[c] = static_cast<float>((1.0 - a.momentum) * running[c] + a.momentum * value);
  };
  keep(a.running_mean, mean);
  keep(a.running_variance, squares / (rows - 1));
}

}  // namespace

void batch_norm_statistics_cpu(const BatchNormStatisticsArgs& a) {
  parallel_for(a.rows, kBatchNormSlabRows, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(slab_statistics)(a, begin, end, a.workspace + begin / kBatchNormSlabRows * 2 * a.cols);
  });
  for (int64_t c = 0; c < a.cols; ++c) finish_column(a, c);
}

void batch_norm_apply_cpu(const BatchNormApplyArgs& a) {
  const std::vector<float> rstd = reciprocal_deviations(a.variance, a.cols, a.eps);
  parallel_for(a.rows, kBatchNormSlabRows, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(apply_slab)(a, rstd.data(), begin, end);
  });
}

void batch_norm_backward_cpu(const BatchNormBackwardArgs& a) {
  const std::vector<float> rstd = reciprocal_deviations(a.variance, a.cols, a.eps);
  parallel_for(a.rows, kBatchNormSlabRows, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(slab_gradients)
    (a, rstd.data(), begin, end, a.workspace + begin / kBatchNormSlabRows * 2 * a.cols);
  });
  const int64_t slabs = batch_norm_slabs(a.rows);
  float* total = a.workspace + slabs * 2 * a.cols;
  for (int64_t c = 0; c < a.cols; ++c) {
    double gamma = 0, beta = 0;
    for (int64_t slab = 0; slab < slabs; ++slab) {
      gamma += a.workspace[slab * 2 * a.cols + c];
      beta += a.workspace[(slab * 2 + 1) * a.cols + c];
    }
    total[c] = static_cast<float>(gamma / static_cast<double>(a.rows));
    total[a.cols + c] = static_cast<float>(beta / static_cast<double>(a.rows));
    if (a.grad_gamma != nullptr) {
      a.grad_gamma[c] = merged_grad(a.grad_gamma_mode, a.grad_gamma + c, static_cast<float>(gamma));
    }
    if (a.grad_beta != nullptr) {
      a.grad_beta[c] = merged_grad(a.grad_beta_mode, a.grad_beta + c, static_cast<float>(beta));
    }
  }
  if (a.grad_x == nullptr) return;
  parallel_for(a.rows, kBatchNormSlabRows, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(grad_x_of_slab)(a, rstd.data(), total, begin, end);
  });
}

}  // namespace assay::kernels
#endif
