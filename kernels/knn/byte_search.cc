// SPDX-License-Identifier: Apache-2.0
#include "kernels/knn/byte_search.h"

// GCC 12 takes _mm512_undefined_* of its own header for a mistake.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/knn/byte_block.h"
#include "kernels/knn/byte_panel.h"
#include "kernels/knn/byte_tile.h"

// After all headers, so that no function of theirs is compiled for AVX-512.
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma")

namespace assay::kernels {
namespace {

// ---- Float32: what is left

// In any order of the terms.
float plain_product(const float* q, const float* x, int64_t dim) {
  __m512 sum0 = _mm512_setzero_ps(), sum1 = sum0;
  int64_t d = 0;
  for (; d + 32 <= dim; d += 32) {
    sum0 = _mm512_fmadd_ps(_mm512_loadu_ps(q + d), _mm512_loadu_ps(x + d), sum0);
    sum1 = _mm512_fmadd_ps(_mm512_loadu_ps(q + d + 16), _mm512_loadu_ps(x + d + 16), sum1);
  }
  for (; d < dim; d += 16) {
    const auto mask = static_cast<__mmask16>((1u << std::min<int64_t>(16, dim - d)) - 1);
    sum0 = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(mask, q + d), _mm512_maskz_loadu_ps(mask, x + d), sum0);
  }
  return _mm512_reduce_add_ps(_mm512_add_ps(sum0, sum1));
}

// The bits of score_tile: terms in ascending order, each fused. Four rows at a time hide the latency.
void tile_scores(const float* q, const float* const* x, const float* start, int64_t dim, float* scores) {
  float s0 = start[0], s1 = start[1], s2 = start[2], s3 = start[3];
  for (int64_t d = 0; d < dim; ++d) {
    s0 = __builtin_fmaf(q[d], x[0][d], s0);
    s1 = __builtin_fmaf(q[d], x[1][d], s1);
    s2 = __builtin_fmaf(q[d], x[2][d], s2);
    s3 = __builtin_fmaf(q[d], x[3][d], s3);
  }
  scores[0] = s0;
  scores[1] = s1;
  scores[2] = s2;
  scores[3] = s3;
}

// ---- The search of one block

class ByteSearch {
 public:
  ByteSearch(const float* queries, int64_t count, const PackedBank& bank, int64_t k, void* scratch)
      : queries_(queries),
        count_(count),
        bank_(bank),
        k_(k),
        rounding_(std::ldexp(static_cast<float>(bank.dim + 128), -24)),
        block_(scratch, bank.dim, k) {}

  bool run(int64_t* rows) {
    if (!block_.pack(queries_, count_, bank_.dim, rounding_) || !scan()) return false;
    for (int64_t q = 0; q < count_; ++q) finish(q, rows + q * k_);
    return true;
  }

 private:
  bool scan() {
    const int64_t groups = byte_width(bank_.dim) / kByteGroup;
    const int64_t padded = (count_ + 15) / 16 * 16;
    int64_t allowed = 512 * count_;  // rows that may be looked at more closely
    ByteTile tile;
    std::byte* at = const_cast<std::byte*>(bank_.byte_panels);
    for (int64_t first_row = 0; first_row < bank_.rows; first_row += kPanelRows) {
      const BytePanel panel(at);
      at += BytePanel::bytes(bank_.dim);
      set_thresholds(block_, padded, panel, rounding_);
      for (int64_t first = 0; first < count_; first += ByteBlock::kTile) {
        if (!byte_tile(block_, first, panel, groups, &tile)) continue;
        const int64_t present = std::min<int64_t>(ByteBlock::kTile, count_ - first);
        for (int64_t r = 0; r < present; ++r) {
          if (tile.masks[r] == 0) continue;
          allowed -= __builtin_popcount(tile.masks[r]);
          if (!take(first + r, tile.masks[r], tile.sums + r * kPanelRows, panel, first_row)) return false;
        }
      }
      allowed += count_ * kPanelRows / 16;
      if (allowed < 0) return false;
    }
    return true;
  }

  bool take(int64_t q, uint32_t mask, const int32_t* sums, const BytePanel& panel, int64_t first_row) {
    for (; mask != 0; mask &= mask - 1) {
      const int c = __builtin_ctz(mask);
      const float middle =
          __builtin_fmaf(static_cast<float>(sums[c]) * panel.scale()[c], block_.scale[q], panel.start()[c]);
      const float slack = block_.slack[q];
      if (middle + slack < block_.best[q]) continue;  // best has grown within the panel
      if (block_.num_left[q] == block_.capacity && !make_room(q)) return false;
      const int64_t n = block_.num_left[q]++;
      block_.left(q)[n] = {static_cast<int32_t>(first_row + c), middle + slack};
      raise(q, middle - slack);
    }
    return true;
  }

  // One more row has a score of at least `lower`.
  void raise(int64_t q, float lower) {
    float* lowers = block_.lowers(q);  // (k), descending
    if (!(lower > lowers[k_ - 1])) return;
    int64_t place = k_ - 1;
    for (; place > 0 && lowers[place - 1] < lower; --place) lowers[place] = lowers[place - 1];
    lowers[place] = lower;
    block_.best[q] = std::max(block_.best[q], lowers[k_ - 1]);
  }

  void drop_excluded(int64_t q) {
    ByteBlock::Row* left = block_.left(q);
    const float best = block_.best[q];
    block_.num_left[q] = static_cast<int32_t>(
        std::remove_if(left, left + block_.num_left[q], [&](const ByteBlock::Row& r) { return r.upper < best; }) -
        left);
  }

  // Bounds by float32 products. Each of the rows left has its lower bound counted anew.
  void tighten(int64_t q) {
    ByteBlock::Row* left = block_.left(q);
    std::fill(block_.lowers(q), block_.lowers(q) + k_, -std::numeric_limits<float>::max());
    for (int64_t i = 0; i < block_.num_left[q]; ++i) {
      const float start = start_of(left[i].row);
      const float score = plain_product(query(q), row(left[i].row), bank_.dim) + start;
      const float slack =
          2 * rounding_ * (block_.length[q] * std::sqrt(-2 * start) * 1.001f - start) + ByteBlock::kLeastSlack;
      left[i].upper = std::min(left[i].upper, score + slack);
      raise(q, score - slack);
    }
    drop_excluded(q);
  }

  bool make_room(int64_t q) {
    drop_excluded(q);
    if (block_.num_left[q] <= block_.capacity * 3 / 4) return true;
    tighten(q);
    return block_.num_left[q] <= block_.capacity * 3 / 4;
  }

  void finish(int64_t q, int64_t* rows) {
    drop_excluded(q);
    if (block_.num_left[q] > k_) tighten(q);
    if (block_.num_left[q] > k_) keep_largest(q);
    const ByteBlock::Row* left = block_.left(q);
    for (int64_t i = 0; i < k_; ++i) rows[i] = i < block_.num_left[q] ? left[i].row : -1;
  }

  // By their scores to the bit; `upper` holds these afterwards.
  void keep_largest(int64_t q) {
    ByteBlock::Row* left = block_.left(q);
    const int64_t n = block_.num_left[q];
    for (int64_t i = 0; i < n; i += 4) {
      const float* x[4];
      float start[4], scores[4];
      for (int64_t j = 0; j < 4; ++j) {
        const int32_t at = left[std::min(i + j, n - 1)].row;
        x[j] = row(at);
        start[j] = start_of(at);
      }
      tile_scores(query(q), x, start, bank_.dim, scores);
      for (int64_t j = 0; j < 4 && i + j < n; ++j) left[i + j].upper = scores[j];
    }
    std::nth_element(left, left + k_ - 1, left + n, [](const ByteBlock::Row& a, const ByteBlock::Row& b) {
      return a.upper > b.upper || (a.upper == b.upper && a.row < b.row);
    });
    block_.num_left[q] = static_cast<int32_t>(k_);
  }

  const float* query(int64_t q) const { return queries_ + q * bank_.dim; }
  const float* row(int64_t r) const { return bank_.row_major + r * bank_.dim; }
  float start_of(int64_t r) const {
    return bank_.panels[r / kPanelRows * (bank_.dim + 1) * kPanelRows + r % kPanelRows];
  }

  const float* queries_;
  int64_t count_;
  const PackedBank& bank_;
  int64_t k_;
  float rounding_;
  ByteBlock block_;
};

}  // namespace

bool byte_top_rows(const float* queries, int64_t count, const PackedBank& bank, int64_t k, void* scratch,
                   int64_t* rows) {
  return ByteSearch(queries, count, bank, k, scratch).run(rows);
}

}  // namespace assay::kernels
#pragma GCC pop_options

namespace assay::kernels {

int64_t byte_search_bytes(int64_t dim, int64_t k) { return ByteBlock::bytes(dim, k); }

}  // namespace assay::kernels
