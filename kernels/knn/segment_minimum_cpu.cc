// SPDX-License-Identifier: Apache-2.0
// Segment minimum on the CPU. References are packed without gaps, so a panel may hold the end of one segment and the
// start of the next: each segment's part of a panel is folded into one vector of running maxima per query, and that
// vector is reduced once, where the segment ends.
#include "kernels/base/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/knn/segment_minimum_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <limits>

#include "kernels/knn/query_blocks.h"
#include "kernels/knn/score_tile-inl.h"
#include "kernels/knn/segment_minimum.h"

HWY_BEFORE_NAMESPACE();
namespace assay::kernels::HWY_NAMESPACE {

class SegmentSearch {
 public:
  SegmentSearch(const SegmentMinimumArgs& args, int64_t first_query, int64_t count)
      : args_(args), table_(args.table + first_query * args.table_stride) {
    const FloatTag tag;
    for (int64_t q = 0; q < count; ++q) {
      const float* query = args.queries + (first_query + q) * args.references.dim;
      squared_norm_[q] = 0;
      for (int64_t d = 0; d < args.references.dim; ++d) squared_norm_[q] += static_cast<double>(query[d]) * query[d];
      // Below this limit q.p cannot overflow either; above it infinity - infinity makes every distance infinite.
      if (squared_norm_[q] > std::numeric_limits<float>::max()) squared_norm_[q] = -kLowest;
      hn::Store(hn::Set(tag, kLowest), tag, running_ + q * hn::Lanes(tag));
      // Segments without rows are never met while scanning.
      for (int64_t j = 0; j < args.num_segments; ++j) {
        if (args.offsets[j] == args.offsets[j + 1]) table_[q * args.table_stride + j] = -kLowest;
      }
    }
  }

  HWY_INLINE void begin_panel(int64_t first_row) {
    first_row_ = first_row;
    while (args_.offsets[segment_ + 1] <= first_row) ++segment_;
  }

  HWY_INLINE void scores(int64_t query, const float* HWY_RESTRICT s) {
    const int64_t last_row = std::min(first_row_ + kPanelRows, args_.references.rows);
    int64_t row = first_row_;
    for (int64_t j = segment_; row < last_row; ++j) {
      const int64_t segment_end = args_.offsets[j + 1];
      const int64_t end = std::min(segment_end, last_row);
      if (end == row) continue;
      fold(query, s, row - first_row_, end - first_row_);
      if (end == segment_end) finish(query, j);
      row = end;
    }
  }

 private:
  static constexpr float kLowest = -std::numeric_limits<float>::infinity();

  // running = max(running, s[begin..end)). A NaN never replaces a number.
  HWY_INLINE void fold(int64_t query, const float* HWY_RESTRICT s, int64_t begin, int64_t end) {
    const FloatTag tag;
    const hn::RebindToSigned<FloatTag> int_tag;
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(tag));
    float* running = running_ + query * lanes;
    FloatVec best = hn::Load(tag, running);
    for (int64_t c = begin / lanes * lanes; c < end; c += lanes) {
      const FloatVec v = hn::Load(tag, s + c);
      auto better = hn::Gt(v, best);
      if (c < begin || c + lanes > end) {
        const auto column = hn::Iota(int_tag, static_cast<int32_t>(c));
        const auto inside =
            hn::AndNot(hn::VecFromMask(int_tag, hn::Lt(column, hn::Set(int_tag, static_cast<int32_t>(begin)))),
                       hn::VecFromMask(int_tag, hn::Lt(column, hn::Set(int_tag, static_cast<int32_t>(end)))));
        better = hn::And(better, hn::RebindMask(tag, hn::MaskFromVec(inside)));
      }
      best = hn::IfThenElse(better, v, best);
    }
    hn::Store(best, tag, running);
  }

  HWY_INLINE void finish(int64_t query, int64_t segment) {
    const FloatTag tag;
    float* running = running_ + query * hn::Lanes(tag);
    const float best = hn::GetLane(hn::MaxOfLanes(tag, hn::Load(tag, running)));
    hn::Store(hn::Set(tag, kLowest), tag, running);
    const double distance2 = squared_norm_[query] - 2.0 * best;
    // Written so that a NaN, from a query or from infinity - infinity, becomes infinity.
    const float clamped = distance2 >= 0 ? static_cast<float>(distance2) : distance2 < 0 ? 0.0f : -kLowest;
    table_[query * args_.table_stride + segment] = clamped;
  }

  const SegmentMinimumArgs& args_;
  float* table_;  // (count, J)
  int64_t first_row_ = 0;
  int64_t segment_ = 0;  // the segment that the panel's first row belongs to
  double squared_norm_[kMaxBlockQueries];
  alignas(64) float running_[kMaxBlockQueries * hn::MaxLanes(FloatTag())];
};

void segments_of_block(const SegmentMinimumArgs& a, int64_t first, int64_t count, float* scratch) {
  SegmentSearch search(a, first, count);
  scan_bank(a.queries + first * a.references.dim, count, a.references, scratch, search);
}

}  // namespace assay::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::kernels {

HWY_EXPORT(segments_of_block);

void segment_minimum_cpu(const SegmentMinimumArgs& a) {
  for_each_query_block(a.num_queries, a.references.dim, query_block_slot_bytes(a.references.dim), a.workspace,
                       a.workspace_bytes, [&](int64_t first, int64_t count, float* scratch) {
                         HWY_DYNAMIC_DISPATCH(segments_of_block)(a, first, count, scratch);
                       });
}

}  // namespace assay::kernels
#endif  // HWY_ONCE
