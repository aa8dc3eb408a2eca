// SPDX-License-Identifier: Apache-2.0
// The inner loops shared by every search of a packed bank, compiled once per instruction set.
//
// score(q, x) = q.x - |x|^2 / 2, so that |q - x|^2 = |q|^2 - 2 score: the nearest row has the largest score. A block of
// queries is packed into micro-panels of kTileQueries, kept in the L2 cache, and the bank streams past it one panel
// at a time. Each tile (kTileQueries x 32 scores) is summed wholly in registers, d ascending, then handed to the search
// while it lies in the L1 cache. A score depends on its query and row alone, never on how work was cut.

// Guard that Highway flips for each target; see hwy/foreach_target.h.
#if defined(ASSAY_KERNELS_KNN_SCORE_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ASSAY_KERNELS_KNN_SCORE_TILE_INL_H_
#undef ASSAY_KERNELS_KNN_SCORE_TILE_INL_H_
#else
#define ASSAY_KERNELS_KNN_SCORE_TILE_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>

#include "kernels/knn/packed_bank.h"

HWY_BEFORE_NAMESPACE();
namespace assay::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::CappedTag<float, 16>;
using FloatVec = hn::Vec<FloatTag>;

// A tile holds two vectors per query. 14 x 2 of 32 registers, or 6 x 2 of 16, leave room for two bank vectors and a
// query.
#if HWY_TARGET <= HWY_AVX3
constexpr int kTileQueries = 14;
#else
constexpr int kTileQueries = 6;
#endif

// Two vectors of running scores for each query of a tile. A recursive struct, because GCC 12 at -O2 leaves an array in
// memory unless each loop over it carries an unroll pragma.
template <int kQueries>
struct Accumulators {
  FloatVec a, b;
  Accumulators<kQueries - 1> rest;
  HWY_INLINE void init(FloatVec init_a, FloatVec init_b) {
    a = init_a;
    b = init_b;
    rest.init(init_a, init_b);
  }
  HWY_INLINE void add(const float* HWY_RESTRICT query, FloatVec row_a, FloatVec row_b) {
    const FloatVec q = hn::Set(FloatTag(), *query);
    a = hn::MulAdd(q, row_a, a);
    b = hn::MulAdd(q, row_b, b);
    rest.add(query + 1, row_a, row_b);
  }
  HWY_INLINE void store(float* HWY_RESTRICT scores) const {
    hn::Store(a, FloatTag(), scores);
    hn::Store(b, FloatTag(), scores + hn::Lanes(FloatTag()));
    rest.store(scores + kPanelRows);
  }
};
template <>
struct Accumulators<0> {
  HWY_INLINE void init(FloatVec, FloatVec) {}
  HWY_INLINE void add(const float*, FloatVec, FloatVec) {}
  HWY_INLINE void store(float*) const {}
};

// queries: (dim, kTileQueries); panel: (1 + dim, 32), its first line the starting value; scores: (kTileQueries, 32).
inline HWY_NOINLINE void score_tile(const float* HWY_RESTRICT queries, const float* HWY_RESTRICT panel, int64_t dim,
                                    float* HWY_RESTRICT scores) {
  const FloatTag tag;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(tag));
  for (int64_t column = 0; column < kPanelRows; column += 2 * lanes) {
    const float* line = panel + column;
    const float* query = queries;
    Accumulators<kTileQueries> sums;
    sums.init(hn::Load(tag, line), hn::Load(tag, line + lanes));
    for (int64_t d = 0; d < dim; ++d) {
      line += kPanelRows;
      sums.add(query, hn::Load(tag, line), hn::Load(tag, line + lanes));
      query += kTileQueries;
    }
    sums.store(scores + column);
  }
}

// queries (count, dim) -> packed (ceil(count / kTileQueries), dim, kTileQueries); missing queries are zeros.
inline void pack_queries(const float* HWY_RESTRICT queries, int64_t count, int64_t dim, float* HWY_RESTRICT packed) {
  for (int64_t first = 0; first < count; first += kTileQueries) {
    const int64_t present = std::min<int64_t>(kTileQueries, count - first);
    for (int64_t r = 0; r < kTileQueries; ++r) {
      const float* row = r < present ? queries + (first + r) * dim : nullptr;
      for (int64_t d = 0; d < dim; ++d) packed[d * kTileQueries + r] = row != nullptr ? row[d] : 0.0f;
    }
    packed += dim * kTileQueries;
  }
}

// Scores every query of a block against every row of the bank, panels ascending. `search.begin_panel(first_row)` is
// called before each panel's tiles; `search.scores(query, s)` once per query and panel with its 32 scores, rows past
// the bank's end being -infinity or NaN. packed_queries is scratch for pack_queries.
template <class Search>
HWY_INLINE void scan_bank(const float* queries, int64_t count, const PackedBank& bank, float* packed_queries,
                          Search& search) {
  alignas(64) float scores[kTileQueries * kPanelRows];
  pack_queries(queries, count, bank.dim, packed_queries);
  const float* panel = bank.panels;
  for (int64_t first_row = 0; first_row < bank.rows; first_row += kPanelRows) {
    search.begin_panel(first_row);
    for (int64_t first = 0; first < count; first += kTileQueries) {
      score_tile(packed_queries + first * bank.dim, panel, bank.dim, scores);
      const int64_t present = std::min<int64_t>(kTileQueries, count - first);
      for (int64_t r = 0; r < present; ++r) search.scores(first + r, scores + r * kPanelRows);
    }
    panel += (bank.dim + 1) * kPanelRows;
  }
}

// Whether any of 32 scores exceeds the threshold. A NaN does not.
HWY_INLINE bool any_above(const float* HWY_RESTRICT scores, float threshold) {
  const FloatTag tag;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(tag));
  const FloatVec limit = hn::Set(tag, threshold);
  auto above = hn::Gt(hn::Load(tag, scores), limit);
  for (int64_t c = lanes; c < kPanelRows; c += lanes) above = hn::Or(above, hn::Gt(hn::Load(tag, scores + c), limit));
  return !hn::AllFalse(tag, above);
}

}  // namespace assay::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target guard
