// SPDX-License-Identifier: Apache-2.0
// Vectors along the columns. Bound by memory.
#include "kernels/base/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise/add_row_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>

#include "kernels/base/parallel.h"
#include "kernels/elementwise/add_row.h"

HWY_BEFORE_NAMESPACE();
namespace assay::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

void add_row_piece(const AddRowArgs& a, int64_t begin, int64_t end) {
  const hn::ScalableTag<float> d;
  const int64_t lanes = hn::Lanes(d);
  for (int64_t r = begin; r < end; ++r) {
    float* y = a.y + r * a.cols;
    int64_t c = 0;
    for (; c + lanes <= a.cols; c += lanes) {
      hn::StoreU(hn::Add(hn::LoadU(d, y + c), hn::LoadU(d, a.offset + c)), d, y + c);
    }
    for (; c < a.cols; ++c) y[c] += a.offset[c];
  }
}

}  // namespace assay::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::kernels {

HWY_EXPORT(add_row_piece);

void add_row_cpu(const AddRowArgs& a) {
  constexpr int64_t kElementsPerPiece = 1 << 16;  // 512 KiB in and out: long enough to hide the hand-out
  const int64_t grain = std::max<int64_t>(kElementsPerPiece / std::max<int64_t>(a.cols, 1), 1);
  parallel_for(a.rows, grain, [&](int64_t begin, int64_t end) { HWY_DYNAMIC_DISPATCH(add_row_piece)(a, begin, end); });
}

}  // namespace assay::kernels
#endif
