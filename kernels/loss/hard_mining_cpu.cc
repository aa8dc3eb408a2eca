// SPDX-License-Identifier: Apache-2.0
// Selection by quickselect over the elements as ordered integers; scaling by rows in parallel, on vectors.
#include <algorithm>
#include <cstring>
#include <functional>

#include "kernels/base/parallel.h"
#include "kernels/base/simd.h"
#include "kernels/loss/hard_mining.h"
#include "kernels/loss/ordered_bits.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/loss/hard_mining_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After highway.h: compiled again for each target.
#include "kernels/base/simd_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::kernels {
namespace HWY_NAMESPACE {

void hard_mining_rows(const HardMiningScaleArgs& a, int64_t begin, int64_t end) {
  for (int64_t r = begin; r < end; ++r) {
    if (!(a.distance[r] < *a.threshold)) continue;
    float* grad = a.grad + r * a.cols;
    for_lanes(a.cols, [&](auto d, int64_t c) {
      hn::StoreU(hn::Mul(hn::LoadU(d, grad + c), hn::Set(d, a.factor)), d, grad + c);
    });
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace assay::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::kernels {

HWY_EXPORT(hard_mining_rows);

constexpr int64_t kElementsPerPiece = 1 << 16;  // some 15 microseconds of work

void kth_largest_cpu(const KthLargestArgs& a) {
  std::memcpy(a.workspace, a.x, static_cast<size_t>(a.count) * sizeof(uint32_t));
  std::transform(a.workspace, a.workspace + a.count, a.workspace, ordered_bits);
  std::nth_element(a.workspace, a.workspace + a.k - 1, a.workspace + a.count, std::greater<uint32_t>());
  const uint32_t bits = bits_of_ordered(a.workspace[a.k - 1]);
  std::memcpy(a.y, &bits, sizeof bits);
}

void hard_mining_scale_cpu(const HardMiningScaleArgs& a) {
  parallel_for(a.rows, std::max<int64_t>(kElementsPerPiece / std::max<int64_t>(a.cols, 1), 1),
               [&](int64_t begin, int64_t end) { HWY_DYNAMIC_DISPATCH(hard_mining_rows)
                                                 (a, begin, end); });
}

}  // namespace assay::kernels
#endif
