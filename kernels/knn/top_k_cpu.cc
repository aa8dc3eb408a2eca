// SPDX-License-Identifier: Apache-2.0
// Top-k on the CPU: the candidates of a query stand in its own rows of the output while the bank is scanned, best score
// first (distance2 holds the scores until the end). A row that beats the worst of them is rare (about k ln(N / k) times
// per query), so it is inserted by a plain loop.
#include "kernels/base/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/knn/top_k_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "kernels/knn/byte_search.h"
#include "kernels/knn/direct_distance.h"
#include "kernels/knn/query_blocks.h"
#include "kernels/knn/score_tile-inl.h"
#include "kernels/knn/top_k.h"

HWY_BEFORE_NAMESPACE();
namespace assay::kernels::HWY_NAMESPACE {

class TopKSearch {
 public:
  TopKSearch(float* score, int64_t* index, int64_t count, int64_t k) : score_(score), index_(index), k_(k) {
    std::fill(score, score + count * k, -std::numeric_limits<float>::infinity());
    std::fill(index, index + count * k, int64_t{-1});
  }
  HWY_INLINE void begin_panel(int64_t first_row) { first_row_ = first_row; }
  HWY_INLINE void scores(int64_t query, const float* HWY_RESTRICT s) {
    if (any_above(s, score_[query * k_ + k_ - 1])) insert(score_ + query * k_, index_ + query * k_, s);
  }

 private:
  // Rows arrive in ascending order, so one that equals a candidate goes behind it.
  HWY_NOINLINE void insert(float* HWY_RESTRICT score, int64_t* HWY_RESTRICT index, const float* HWY_RESTRICT s) {
    for (int64_t c = 0; c < kPanelRows; ++c) {
      if (!(s[c] > score[k_ - 1])) continue;
      int64_t place = k_ - 1;
      for (; place > 0 && score[place - 1] < s[c]; --place) {
        score[place] = score[place - 1];
        index[place] = index[place - 1];
      }
      score[place] = s[c];
      index[place] = first_row_ + c;
    }
  }

  float* score_;    // (count, k)
  int64_t* index_;  // (count, k)
  int64_t k_;
  int64_t first_row_ = 0;
};

void top_k_of_block(const TopKArgs& a, int64_t first, int64_t count, float* scratch) {
  TopKSearch search(a.distance2 + first * a.k, a.index + first * a.k, count, a.k);
  scan_bank(a.queries + first * a.bank.dim, count, a.bank, scratch, search);
}

}  // namespace assay::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::kernels {
namespace {

// Replaces the scores of one query's candidates by their distances and sorts by (distance2, index).
void finish_query(const TopKArgs& a, int64_t query) {
  float* distance2 = a.distance2 + query * a.k;
  int64_t* index = a.index + query * a.k;
  std::pair<float, int64_t> found[kMaxTopK];
  int64_t taken = 0;
  for (; taken < a.k && index[taken] >= 0; ++taken) {
    found[taken] = {direct_distance2(a.queries + query * a.bank.dim, a.bank, index[taken]), index[taken]};
  }
  std::sort(found, found + taken);
  for (int64_t i = 0; i < a.k; ++i) {
    distance2[i] = i < taken ? found[i].first : std::numeric_limits<float>::infinity();
    if (i < taken) index[i] = found[i].second;
  }
}

}  // namespace

HWY_EXPORT(top_k_of_block);

void top_k_cpu(const TopKArgs& a) {
  ByteAttempts bytes(a.bank, a.k);
  for_each_query_block(a.num_queries, a.bank.dim,
                       query_block_slot_bytes(a.bank.dim, byte_search_bytes(a.bank.dim, kMaxTopK)), a.workspace,
                       a.workspace_bytes, [&](int64_t first, int64_t count, float* scratch) {
                         if (!bytes.find(a.queries + first * a.bank.dim, count, scratch, a.index + first * a.k)) {
                           HWY_DYNAMIC_DISPATCH(top_k_of_block)(a, first, count, scratch);
                         }
                         for (int64_t q = first; q < first + count; ++q) finish_query(a, q);
                       });
}

}  // namespace assay::kernels
#endif  // HWY_ONCE
