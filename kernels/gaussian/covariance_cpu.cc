// SPDX-License-Identifier: Apache-2.0
// Parallel over positions; within one, sample after sample, so that its triangle (40 KB for 100 channels) stays in the
// cache for the whole block. Vectors run down a column. delta is recomputed in every column: that is cheaper than the
// memory traffic it hides behind, and needs no scratch.
#include <algorithm>

#include "kernels/base/parallel.h"
#include "kernels/base/simd.h"
#include "kernels/gaussian/covariance.h"
#include "kernels/gaussian/packed_triangle.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/gaussian/covariance_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace assay::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class D>
HWY_INLINE hn::Vec<D> delta_lanes(D d, const float* x, const double* mean, int64_t i) {
  return hn::Sub(hn::PromoteTo(d, hn::LoadU(hn::Rebind<float, D>(), x + i)), hn::LoadU(d, mean + i));
}

// column[i - j] += scale * delta[i] for i in [j, channels).
HWY_INLINE void add_column(const float* x, const double* mean, double scale, int64_t j, int64_t channels,
                           double* column) {
  const hn::ScalableTag<double> d;
  const hn::CappedTag<double, 1> one;
  const int64_t lanes = hn::Lanes(d);
  const auto scales = hn::Set(d, scale);
  int64_t i = j;
  for (; i + lanes <= channels; i += lanes, column += lanes) {
    hn::StoreU(hn::MulAdd(scales, delta_lanes(d, x, mean, i), hn::LoadU(d, column)), d, column);
  }
  for (; i < channels; ++i, ++column) {
    hn::StoreU(hn::MulAdd(hn::Set(one, scale), delta_lanes(one, x, mean, i), hn::LoadU(one, column)), one, column);
  }
}

void accumulate_sample(const float* x, int64_t count, int64_t channels, double* mean, double* comoment) {
  const double share = static_cast<double>(count) / static_cast<double>(count + 1);
  for (int64_t j = 0; j < channels; ++j) {
    const double scale = share * (static_cast<double>(x[j]) - mean[j]);
    add_column(x, mean, scale, j, channels, comoment + packed_column(channels, j));
  }
  for (int64_t i = 0; i < channels; ++i) {
    mean[i] += (static_cast<double>(x[i]) - mean[i]) / static_cast<double>(count + 1);
  }
}

void accumulate_positions(const CovarianceAccumulateArgs& a, int64_t begin, int64_t end) {
  for (int64_t p = begin; p < end; ++p) {
    for (int64_t n = 0; n < a.samples; ++n) {
      accumulate_sample(a.x + (n * a.positions + p) * a.channels, a.count + n, a.channels, a.mean + p * a.channels,
                        a.comoment + p * packed_size(a.channels));
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace assay::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::kernels {

HWY_EXPORT(accumulate_positions);

constexpr int64_t kPositionsPerPiece = 8;  // some 100 microseconds of work at 100 channels and 8 samples

void covariance_accumulate_cpu(const CovarianceAccumulateArgs& a) {
  parallel_for(a.positions, kPositionsPerPiece, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(accumulate_positions)(a, begin, end);
  });
}

void covariance_finish_cpu(const CovarianceFinishArgs& a) {
  const int64_t size = packed_size(a.channels);
  const double divisor = static_cast<double>(std::max<int64_t>(a.count - 1, 1));  // one sample: all comoments are 0
  parallel_for(a.positions, kPositionsPerPiece, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      double* triangle = a.comoment + p * size;
      for (int64_t i = 0; i < size; ++i) triangle[i] /= divisor;
      for (int64_t j = 0; j < a.channels; ++j) triangle[packed_column(a.channels, j)] += a.regularisation;
    }
  });
}

}  // namespace assay::kernels
#endif
