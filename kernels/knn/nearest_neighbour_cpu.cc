// SPDX-License-Identifier: Apache-2.0
// Nearest neighbour on the CPU: blocks of queries in parallel, each scanned against the whole bank.
#include "kernels/base/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/knn/nearest_neighbour_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <limits>

#include "kernels/knn/byte_search.h"
#include "kernels/knn/direct_distance.h"
#include "kernels/knn/nearest_neighbour.h"
#include "kernels/knn/query_blocks.h"
#include "kernels/knn/score_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::kernels::HWY_NAMESPACE {

// Keeps the best row of each query. A new best is rare (about ln N times per query), so it is found by a plain loop.
class NearestSearch {
 public:
  explicit NearestSearch(int64_t count) {
    for (int64_t q = 0; q < count; ++q) {
      best_[q] = -std::numeric_limits<float>::infinity();
      index_[q] = -1;
    }
  }
  HWY_INLINE void begin_panel(int64_t first_row) { first_row_ = first_row; }
  HWY_INLINE void scores(int64_t query, const float* HWY_RESTRICT s) {
    if (any_above(s, best_[query])) update(query, s);
  }
  int64_t index(int64_t query) const { return index_[query]; }

 private:
  HWY_NOINLINE void update(int64_t query, const float* HWY_RESTRICT s) {
    for (int64_t c = 0; c < kPanelRows; ++c) {
      if (s[c] > best_[query]) {
        best_[query] = s[c];
        index_[query] = first_row_ + c;
      }
    }
  }

  int64_t first_row_ = 0;
  float best_[kMaxBlockQueries];
  int64_t index_[kMaxBlockQueries];
};

void nearest_of_block(const NearestNeighbourArgs& a, int64_t first, int64_t count, float* scratch) {
  NearestSearch search(count);
  scan_bank(a.queries + first * a.bank.dim, count, a.bank, scratch, search);
  for (int64_t q = 0; q < count; ++q) a.index[first + q] = search.index(q);
}

// Of the rows found.
void distances_of_block(const NearestNeighbourArgs& a, int64_t first, int64_t count) {
  const float* queries = a.queries + first * a.bank.dim;
  for (int64_t q = 0; q < count; ++q) {
    const int64_t row = a.index[first + q];
    a.distance2[first + q] =
        row < 0 ? std::numeric_limits<float>::infinity() : direct_distance2(queries + q * a.bank.dim, a.bank, row);
  }
}

}  // namespace assay::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::kernels {

HWY_EXPORT(nearest_of_block);
HWY_EXPORT(distances_of_block);

void nearest_neighbour_cpu(const NearestNeighbourArgs& a) {
  ByteAttempts bytes(a.bank, 1);
  for_each_query_block(a.num_queries, a.bank.dim, query_block_slot_bytes(a.bank.dim, byte_search_bytes(a.bank.dim, 1)),
                       a.workspace, a.workspace_bytes, [&](int64_t first, int64_t count, float* scratch) {
                         if (!bytes.find(a.queries + first * a.bank.dim, count, scratch, a.index + first)) {
                           HWY_DYNAMIC_DISPATCH(nearest_of_block)(a, first, count, scratch);
                         }
                         HWY_DYNAMIC_DISPATCH(distances_of_block)(a, first, count);
                       });
}

}  // namespace assay::kernels
#endif  // HWY_ONCE
