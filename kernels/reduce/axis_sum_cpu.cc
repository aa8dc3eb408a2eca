// SPDX-License-Identifier: Apache-2.0
// Slabs of rows, or rows, in parallel; vectors along the columns.
#include <algorithm>

#include "kernels/base/parallel.h"
#include "kernels/base/simd.h"
#include "kernels/reduce/axis_sum.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/reduce/axis_sum_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After highway.h: compiled again for each target.
#include "kernels/base/simd_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::kernels {
namespace HWY_NAMESPACE {

// Sums of rows begin .. end - 1 into sums (C).
void sum_slab(const ColumnSumArgs& a, int64_t begin, int64_t end, float* sums) {
  std::fill(sums, sums + a.cols, 0.0f);
  for (int64_t r = begin; r < end; ++r) {
    const float* x = a.x + r * a.cols;
    const float* factor = a.factor == nullptr ? nullptr : a.factor + r * a.cols;
    for_lanes(a.cols, [&](auto d, int64_t c) {
      const auto sum = hn::LoadU(d, sums + c), value = hn::LoadU(d, x + c);
      hn::StoreU(factor == nullptr ? hn::Add(sum, value) : hn::MulAdd(value, hn::LoadU(d, factor + c), sum), d,
                 sums + c);
    });
  }
}

void sum_rows(const RowSumArgs& a, int64_t begin, int64_t end) {
  for (int64_t r = begin; r < end; ++r) {
    const float* x = a.x + r * a.cols;
    const float* factor = a.factor == nullptr ? nullptr : a.factor + r * a.cols;
    const float sum = sum_of(a.cols, [&](auto d, int64_t c) {
      const auto value = hn::LoadU(d, x + c);
      return factor == nullptr ? value : hn::Mul(value, hn::LoadU(d, factor + c));
    });
    a.y[r] = merged_grad(a.mode, a.y + r, sum);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace assay::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::kernels {

HWY_EXPORT(sum_slab);
HWY_EXPORT(sum_rows);

constexpr int64_t kElementsPerPiece = 1 << 16;  // some 15 microseconds of work

void column_sum_cpu(const ColumnSumArgs& a) {
  parallel_for(a.rows, kColumnSumSlabRows, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(sum_slab)(a, begin, end, a.workspace + begin / kColumnSumSlabRows * a.cols);
  });
  const int64_t slabs = column_sum_slabs(a.rows);
  for (int64_t c = 0; c < a.cols; ++c) {
    double sum = 0;
    for (int64_t slab = 0; slab < slabs; ++slab) sum += a.workspace[slab * a.cols + c];
    a.y[c] = merged_grad(a.mode, a.y + c, static_cast<float>(sum));
  }
}

void row_sum_cpu(const RowSumArgs& a) {
  parallel_for(a.rows, std::max<int64_t>(kElementsPerPiece / std::max<int64_t>(a.cols, 1), 1),
               [&](int64_t begin, int64_t end) {
                 HWY_DYNAMIC_DISPATCH(sum_rows)
                 (a, begin, end);
               });
}

}  // namespace assay::kernels
#endif
