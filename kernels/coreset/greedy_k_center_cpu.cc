// SPDX-License-Identifier: Apache-2.0
// Greedy k-center on the CPU. One pass a step: distance to the newest centre, running minimum and farthest point in one
// go, so that each point is read once. Bound by memory as soon as the points outgrow the caches.
#include "kernels/base/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/coreset/greedy_k_center_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <limits>

#include "kernels/base/parallel.h"
#include "kernels/coreset/farthest_pieces.h"
#include "kernels/coreset/greedy_k_center.h"

HWY_BEFORE_NAMESPACE();
namespace assay::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using FloatVec = hn::Vec<FloatTag>;

HWY_INLINE FloatVec add_square(FloatVec x, FloatVec center, FloatVec sum) {
  const FloatVec difference = hn::Sub(x, center);
  return hn::MulAdd(difference, difference, sum);
}

// Squared distance of two points. One point at a time, in four sums along it: reading several points at once hides the
// latency as well, but the processor's prefetcher loses track of them (measured: half the bandwidth).
HWY_INLINE float distance2(const float* HWY_RESTRICT x, const float* HWY_RESTRICT center, int64_t dim) {
  const FloatTag tag;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(tag));
  FloatVec sum0 = hn::Zero(tag), sum1 = sum0, sum2 = sum0, sum3 = sum0;
  int64_t d = 0;
  for (; d + 4 * lanes <= dim; d += 4 * lanes) {
    sum0 = add_square(hn::LoadU(tag, x + d), hn::LoadU(tag, center + d), sum0);
    sum1 = add_square(hn::LoadU(tag, x + d + lanes), hn::LoadU(tag, center + d + lanes), sum1);
    sum2 = add_square(hn::LoadU(tag, x + d + 2 * lanes), hn::LoadU(tag, center + d + 2 * lanes), sum2);
    sum3 = add_square(hn::LoadU(tag, x + d + 3 * lanes), hn::LoadU(tag, center + d + 3 * lanes), sum3);
  }
  for (; d + lanes <= dim; d += lanes) {
    sum0 = add_square(hn::LoadU(tag, x + d), hn::LoadU(tag, center + d), sum0);
  }
  if (d < dim) {
    const auto rest = hn::FirstN(tag, static_cast<size_t>(dim - d));
    sum1 = add_square(hn::MaskedLoad(rest, tag, x + d), hn::MaskedLoad(rest, tag, center + d), sum1);
  }
  return hn::GetLane(hn::SumOfLanes(tag, hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3))));
}

// Lowers minimum[begin..end) by the distances to point `center`; points taken have -1 there and keep it.
Farthest pass_over_piece(const GreedyKCenterArgs& a, int64_t center, int64_t begin, int64_t end,
                         float* HWY_RESTRICT minimum) {
  Farthest farthest = {begin, -1.0f};
  for (int64_t i = begin; i < end; ++i) {
    const float d = distance2(a.points + i * a.dim, a.points + center * a.dim, a.dim);
    float& m = minimum[i];
    if (m >= 0 && !(d >= m)) m = d < m ? d : 0.0f;  // the last case is NaN
    if (m > farthest.distance2) farthest = {i, m};
  }
  return farthest;
}

}  // namespace assay::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::kernels {

HWY_EXPORT(pass_over_piece);

void greedy_k_center_cpu(const GreedyKCenterArgs& a) {
  const int64_t num_pieces = (a.num_points + kPointsPerPiece - 1) / kPointsPerPiece;
  Farthest* pieces = static_cast<Farthest*>(a.workspace);          // (num_pieces)
  float* minimum = reinterpret_cast<float*>(pieces + num_pieces);  // (N)
  std::fill(minimum, minimum + a.num_points, std::numeric_limits<float>::infinity());
  int64_t center = a.start;
  for (int64_t i = 0; i < a.count; ++i) {
    minimum[center] = -1.0f;
    parallel_for(a.num_points, kPointsPerPiece, [&](int64_t begin, int64_t end) {
      pieces[begin / kPointsPerPiece] = HWY_DYNAMIC_DISPATCH(pass_over_piece)(a, center, begin, end, minimum);
    });
    Farthest farthest = pieces[0];
    for (int64_t p = 1; p < num_pieces; ++p) {
      if (pieces[p].distance2 > farthest.distance2) farthest = pieces[p];
    }
    a.selected[i] = center;
    a.radius2[i] = std::max(farthest.distance2, 0.0f);
    center = farthest.index;
  }
}

}  // namespace assay::kernels
#endif  // HWY_ONCE
