// SPDX-License-Identifier: Apache-2.0
// Pieces in parallel, then the pieces' totals in order.
#include <algorithm>
#include <limits>

#include "kernels/base/parallel.h"
#include "kernels/base/simd.h"
#include "kernels/reduce/total.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/reduce/total_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After highway.h: compiled again for each target.
#include "kernels/base/simd_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::kernels {
namespace HWY_NAMESPACE {

double total_sum_of_piece(const float* x, int64_t count) {
  constexpr int64_t kRun = 1024;  // elements summed in float32
  double sum = 0;
  for (int64_t i = 0; i < count; i += kRun) {
    sum += sum_of(std::min(kRun, count - i), [&](auto d, int64_t j) { return hn::LoadU(d, x + i + j); });
  }
  return sum;
}

// The larger; NaN where either is.
template <class D>
HWY_INLINE hn::Vec<D> larger_or_nan(D, hn::Vec<D> a, hn::Vec<D> b) {
  // Not by Ne(a, a), which Highway 1.0 makes false for NaN on AVX2 and AVX-512.
  return hn::IfThenElse(hn::Eq(a, a), hn::IfThenElse(hn::Gt(a, b), a, b), a);
}

double total_maximum_of_piece(const float* x, int64_t count) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const int64_t lanes = hn::Lanes(d);
  auto largest = hn::Set(d, -std::numeric_limits<float>::infinity());
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) largest = larger_or_nan(d, largest, hn::LoadU(d, x + i));
  HWY_ALIGN float each[HWY_MAX_BYTES / sizeof(float)];
  hn::Store(largest, d, each);
  auto maximum = hn::Set(one, -std::numeric_limits<float>::infinity());
  for (int64_t lane = 0; lane < lanes; ++lane) maximum = larger_or_nan(one, maximum, hn::LoadU(one, each + lane));
  for (; i < count; ++i) maximum = larger_or_nan(one, maximum, hn::LoadU(one, x + i));
  return hn::GetLane(maximum);
}

}  // namespace HWY_NAMESPACE
}  // namespace assay::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::kernels {

HWY_EXPORT(total_sum_of_piece);
HWY_EXPORT(total_maximum_of_piece);

void total_cpu(const TotalArgs& a) {
  const bool maximum = a.total == Total::kMaximum;
  parallel_for(a.count, kTotalPiece, [&](int64_t begin, int64_t end) {
    a.workspace[begin / kTotalPiece] = maximum ? HWY_DYNAMIC_DISPATCH(total_maximum_of_piece)(a.x + begin, end - begin)
                                               : HWY_DYNAMIC_DISPATCH(total_sum_of_piece)(a.x + begin, end - begin);
  });
  const int64_t pieces = total_pieces(a.count);
  double all = maximum ? -std::numeric_limits<double>::infinity() : 0;
  for (int64_t i = 0; i < pieces; ++i) {
    const double piece = a.workspace[i];
    if (!maximum) {
      all += piece;
    } else if (!(all > piece || all != all)) {
      all = piece;
    }
  }
  if (a.total == Total::kMean) all /= static_cast<double>(a.count);
  *a.y = static_cast<float>(all);
}

}  // namespace assay::kernels
#endif
