// SPDX-License-Identifier: Apache-2.0
// Loops over float32 arrays in vectors with a scalar tail. Included again for each target, after highway.h; hence no
// include guard of the usual kind.
#if defined(ASSAY_KERNELS_BASE_SIMD_LOOPS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ASSAY_KERNELS_BASE_SIMD_LOOPS_INL_H_
#undef ASSAY_KERNELS_BASE_SIMD_LOOPS_INL_H_
#else
#define ASSAY_KERNELS_BASE_SIMD_LOOPS_INL_H_
#endif

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>
#include <limits>

HWY_BEFORE_NAMESPACE();
namespace assay::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// body(d, i) for each vector of [0, count), then for each single element of the rest with a one-lane d.
template <class Body>
HWY_INLINE void for_lanes(int64_t count, const Body& body) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const int64_t lanes = hn::Lanes(d);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) body(d, i);
  for (; i < count; ++i) body(one, i);
}

// Sum of term(d, i) over [0, count): four vectors of partial sums hide the latency of the additions.
template <class Term>
HWY_INLINE float sum_of(int64_t count, const Term& term) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const int64_t lanes = hn::Lanes(d);
  auto sum0 = hn::Zero(d), sum1 = hn::Zero(d), sum2 = hn::Zero(d), sum3 = hn::Zero(d);
  int64_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    sum0 = hn::Add(sum0, term(d, i));
    sum1 = hn::Add(sum1, term(d, i + lanes));
    sum2 = hn::Add(sum2, term(d, i + 2 * lanes));
    sum3 = hn::Add(sum3, term(d, i + 3 * lanes));
  }
  for (; i + lanes <= count; i += lanes) sum0 = hn::Add(sum0, term(d, i));
  float sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3))));
  for (; i < count; ++i) sum += hn::GetLane(term(one, i));
  return sum;
}

// The largest element, or anything if one is NaN.
HWY_INLINE float maximum_of(const float* x, int64_t count) {
  const hn::ScalableTag<float> d;
  const int64_t lanes = hn::Lanes(d);
  auto largest = hn::Set(d, -std::numeric_limits<float>::infinity());
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) largest = hn::Max(largest, hn::LoadU(d, x + i));
  float maximum = hn::GetLane(hn::MaxOfLanes(d, largest));
  for (; i < count; ++i) maximum = std::max(maximum, x[i]);
  return maximum;
}

// e^x for x <= 88, within 2 units in the last place; NaN stays NaN, which Highway's version alone turns to 0.
template <class D, class V>
HWY_INLINE V exp_or_nan(D d, V x) {
  return hn::IfThenElse(hn::Eq(x, x), hn::Exp(d, x), x);
}

// Stores a gradient. What is overwritten is never read: fresh memory may hold NaN.
template <class D, class V>
HWY_INLINE void store_grad(D d, bool accumulate, V value, float* grad) {
  hn::StoreU(accumulate ? hn::Add(hn::LoadU(d, grad), value) : value, d, grad);
}

}  // namespace assay::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
