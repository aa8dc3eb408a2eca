// SPDX-License-Identifier: Apache-2.0
// Parallel over positions. Forward substitution by columns: as soon as y[j] is known, its share is subtracted from all
// rows below, vectors running down the column. One fused multiply-add an element, so lanes do not change the bits.
#include <cmath>

#include "kernels/base/parallel.h"
#include "kernels/base/simd.h"
#include "kernels/gaussian/mahalanobis.h"
#include "kernels/gaussian/packed_triangle.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/gaussian/mahalanobis_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace assay::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class D>
HWY_INLINE void subtract_lanes(D d, const float* column, double scale, double* y) {
  const auto factor = hn::PromoteTo(d, hn::LoadU(hn::Rebind<float, D>(), column));
  hn::StoreU(hn::NegMulAdd(hn::Set(d, scale), factor, hn::LoadU(d, y)), d, y);
}

// y[i] -= scale * column[i] for i in [0, count).
HWY_INLINE void subtract_column(const float* column, double scale, int64_t count, double* y) {
  const hn::ScalableTag<double> d;
  const hn::CappedTag<double, 1> one;
  const int64_t lanes = hn::Lanes(d);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) subtract_lanes(d, column + i, scale, y + i);
  for (; i < count; ++i) subtract_lanes(one, column + i, scale, y + i);
}

void distances(const MahalanobisArgs& a, int64_t begin, int64_t end) {
  for (int64_t p = begin; p < end; ++p) {
    const float* x = a.x + p * a.channels;
    const float* mean = a.mean + p * a.channels;
    const float* factor = a.factor + p * packed_size(a.channels);
    double* y = a.workspace + p * a.channels;
    for (int64_t i = 0; i < a.channels; ++i) y[i] = static_cast<double>(x[i]) - mean[i];
    double squared = 0;
    for (int64_t j = 0; j < a.channels; ++j) {
      const float* column = factor + packed_column(a.channels, j);
      y[j] /= column[0];
      squared += y[j] * y[j];
      subtract_column(column + 1, y[j], a.channels - j - 1, y + j + 1);
    }
    a.distance[p] = static_cast<float>(std::sqrt(squared));
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace assay::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::kernels {

HWY_EXPORT(distances);

constexpr int64_t kPositionsPerPiece = 32;  // some 100 microseconds of work at 100 channels

void mahalanobis_cpu(const MahalanobisArgs& a) {
  parallel_for(a.positions, kPositionsPerPiece, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(distances)(a, begin, end);
  });
}

}  // namespace assay::kernels
#endif
