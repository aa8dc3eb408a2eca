// SPDX-License-Identifier: Apache-2.0
#include "kernels/coreset/center_distance.h"

#include "kernels/base/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/coreset/center_distance.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>

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

float one_distance2(const float* x, const float* center, int64_t dim) { return distance2(x, center, dim); }

void see_some_centers(const GreedyKCenterArgs& a, int64_t point, int64_t num_centers, float enough, float* minimum,
                      int32_t* seen) {
  const float* x = a.points + point * a.dim;
  float m = *minimum;
  int64_t c = *seen;
  for (; c < num_centers && m >= enough && m > 0; ++c) {
    m = lowered(m, distance2(x, a.points + a.selected[c] * a.dim, a.dim));
  }
  *minimum = m;
  *seen = static_cast<int32_t>(m == 0 ? num_centers : c);  // 0 can sink no further
}

float largest_in(const float* x, int64_t count) {
  const FloatTag tag;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(tag));
  FloatVec most = hn::Set(tag, -1.0f);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) most = hn::Max(most, hn::LoadU(tag, x + i));
  float m = hn::GetLane(hn::MaxOfLanes(tag, most));
  for (; i < count; ++i) m = std::max(m, x[i]);
  return m;
}

}  // namespace assay::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::kernels {

HWY_EXPORT(one_distance2);
HWY_EXPORT(see_some_centers);
HWY_EXPORT(largest_in);

float center_distance2(const float* x, const float* center, int64_t dim) {
  return HWY_DYNAMIC_DISPATCH(one_distance2)(x, center, dim);
}
void see_centers(const GreedyKCenterArgs& a, int64_t point, int64_t num_centers, float enough, float* minimum,
                 int32_t* seen) {
  HWY_DYNAMIC_DISPATCH(see_some_centers)(a, point, num_centers, enough, minimum, seen);
}
float largest_of(const float* x, int64_t count) { return HWY_DYNAMIC_DISPATCH(largest_in)(x, count); }

}  // namespace assay::kernels
#endif  // HWY_ONCE
