// SPDX-License-Identifier: Apache-2.0
// Pieces of rows in parallel, vectors along a row. Where b is no row and no column, all is one long row, cut anywhere.
#include <algorithm>

#include "kernels/arithmetic/combine.h"
#include "kernels/base/parallel.h"
#include "kernels/base/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/arithmetic/combine_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After highway.h: compiled again for each target.
#include "kernels/base/simd_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::kernels {
namespace HWY_NAMESPACE {

template <Combination kCombination, class D>
HWY_INLINE hn::Vec<D> result(D d, const CombineArgs& a, int64_t i, hn::Vec<D> scaled_b) {
  if constexpr (kCombination == Combination::kAdd) return hn::Add(hn::LoadU(d, a.a + i), scaled_b);
  if constexpr (kCombination == Combination::kMultiply) return hn::Mul(hn::LoadU(d, a.a + i), scaled_b);
  return scaled_b;
}

// Elements first .. first + count - 1, with b's elements at `b`, or with one number where b is null.
template <Combination kCombination>
void run_of(const CombineArgs& a, int64_t first, int64_t count, const float* b, float number) {
  const bool accumulate = a.mode == GradMode::kAccumulate;
  for_lanes(count, [&](auto d, int64_t i) {
    const auto values = b == nullptr ? hn::Set(d, number) : hn::LoadU(d, b + i);
    const auto scaled = hn::Mul(hn::Set(d, a.alpha), values);
    store_grad(d, accumulate, result<kCombination>(d, a, first + i, scaled), a.y + first + i);
  });
}

template <Combination kCombination>
void rows_of(const CombineArgs& a, int64_t begin, int64_t end) {
  for (int64_t r = begin; r < end; ++r) {
    if (a.broadcast == Broadcast::kRow) run_of<kCombination>(a, r * a.cols, a.cols, a.b, 0);
    if (a.broadcast == Broadcast::kColumn) run_of<kCombination>(a, r * a.cols, a.cols, nullptr, a.b[r]);
  }
}

template <Combination kCombination>
void piece_of(const CombineArgs& a, int64_t begin, int64_t end) {
  switch (a.broadcast) {
    case Broadcast::kNone:
      return run_of<kCombination>(a, begin, end - begin, a.b + begin, 0);
    case Broadcast::kNumber:
      return run_of<kCombination>(a, begin, end - begin, nullptr, *a.b);
    case Broadcast::kRow:
    case Broadcast::kColumn:
      return rows_of<kCombination>(a, begin, end);
  }
}

// [begin, end): rows where b is a row or a column, else elements.
void combine_piece(const CombineArgs& a, int64_t begin, int64_t end) {
  switch (a.combination) {
    case Combination::kAdd:
      return piece_of<Combination::kAdd>(a, begin, end);
    case Combination::kMultiply:
      return piece_of<Combination::kMultiply>(a, begin, end);
    case Combination::kTake:
      return piece_of<Combination::kTake>(a, begin, end);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace assay::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::kernels {

HWY_EXPORT(combine_piece);

constexpr int64_t kElementsPerPiece = 1 << 15;  // some 15 microseconds of work

void combine_cpu(const CombineArgs& a) {
  const bool by_rows = a.broadcast == Broadcast::kRow || a.broadcast == Broadcast::kColumn;
  const int64_t count = by_rows ? a.rows : a.rows * a.cols;
  const int64_t grain =
      by_rows ? std::max<int64_t>(kElementsPerPiece / std::max<int64_t>(a.cols, 1), 1) : kElementsPerPiece;
  parallel_for(count, grain, [&](int64_t begin, int64_t end) { HWY_DYNAMIC_DISPATCH(combine_piece)(a, begin, end); });
}

}  // namespace assay::kernels
#endif
