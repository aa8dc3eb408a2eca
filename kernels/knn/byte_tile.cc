// SPDX-License-Identifier: Apache-2.0
#include "kernels/knn/byte_tile.h"

// GCC 12 takes _mm512_undefined_* of its own header for a mistake.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>

#include <limits>

// After all headers, so that no function of theirs is compiled for AVX-512.
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma")

namespace assay::kernels {
namespace {

constexpr int kTile = ByteBlock::kTile;

// Sums of products of 14 queries, two vectors each. A recursive struct for the reason given in score_tile-inl.h.
template <int kQueries>
struct Sums {
  __m512i a, b;
  Sums<kQueries - 1> rest;
  __attribute__((always_inline)) void init(const int32_t* start) {
    a = b = _mm512_set1_epi32(*start);
    rest.init(start + 1);
  }
  // Volatile, so that they stay in this order: GCC 12 else loads queries early and has no register left for the sums.
  __attribute__((always_inline)) void add(const int32_t* query, __m512i row_a, __m512i row_b) {
    asm volatile("vpdpbusd %2%{1to16%}, %1, %0" : "+v"(a) : "v"(row_a), "m"(*query));
    asm volatile("vpdpbusd %2%{1to16%}, %1, %0" : "+v"(b) : "v"(row_b), "m"(*query));
    rest.add(query + 1, row_a, row_b);
  }
  __attribute__((always_inline)) void store(int32_t* sums) const {
    _mm512_store_si512(sums, a);
    _mm512_store_si512(sums + 16, b);
    rest.store(sums + kPanelRows);
  }
};
template <>
struct Sums<0> {
  void init(const int32_t*) {}
  void add(const int32_t*, __m512i, __m512i) {}
  void store(int32_t*) const {}
};

__attribute__((noinline)) void sum_tile(const ByteBlock& block, int64_t first, const BytePanel& panel, int64_t groups,
                                        int32_t* out) {
  const int32_t* query = block.codes + first * groups;
  const uint8_t* line = panel.codes();
  Sums<kTile> sums;
  sums.init(block.correction + first);
  for (int64_t g = 0; g < groups; ++g) {
    sums.add(query, _mm512_load_si512(line), _mm512_load_si512(line + 64));
    query += kTile;
    line += kPanelRows * kByteGroup;
  }
  sums.store(out);
}

}  // namespace

bool byte_tile(const ByteBlock& block, int64_t first, const BytePanel& panel, int64_t groups, ByteTile* out) {
  sum_tile(block, first, panel, groups, out->sums);
  const __m512 scale_a = _mm512_load_ps(panel.scale()), scale_b = _mm512_load_ps(panel.scale() + 16);
  const __m512 start_a = _mm512_load_ps(panel.start()), start_b = _mm512_load_ps(panel.start() + 16);
  uint32_t any = 0;
  for (int64_t r = 0; r < kTile; ++r) {
    const __m512 a = _mm512_cvtepi32_ps(_mm512_load_si512(out->sums + r * kPanelRows));
    const __m512 b = _mm512_cvtepi32_ps(_mm512_load_si512(out->sums + r * kPanelRows + 16));
    const __m512 q = _mm512_set1_ps(block.scale[first + r]), least = _mm512_set1_ps(block.threshold[first + r]);
    const uint32_t low = _mm512_cmp_ps_mask(_mm512_fmadd_ps(_mm512_mul_ps(a, scale_a), q, start_a), least, _CMP_GE_OQ);
    const uint32_t high = _mm512_cmp_ps_mask(_mm512_fmadd_ps(_mm512_mul_ps(b, scale_b), q, start_b), least, _CMP_GE_OQ);
    out->masks[r] = low | high << 16;
    any |= out->masks[r];
  }
  return any != 0;
}

void set_thresholds(const ByteBlock& block, int64_t padded, const BytePanel& panel, float rounding) {
  const float residual = panel.maxima()[0], length = panel.maxima()[1];
  const __m512 e = _mm512_set1_ps(residual), x = _mm512_set1_ps(length);
  const __m512 own = _mm512_set1_ps(rounding * 0.5f * length * length + ByteBlock::kLeastSlack);
  const __m512 lowest = _mm512_set1_ps(-std::numeric_limits<float>::max());
  for (int64_t q = 0; q < padded; q += 16) {
    const __m512 slack = _mm512_fmadd_ps(_mm512_load_ps(block.length + q), e,
                                         _mm512_fmadd_ps(_mm512_load_ps(block.residual + q), x, own));
    _mm512_store_ps(block.slack + q, slack);
    _mm512_store_ps(block.threshold + q, _mm512_max_ps(lowest, _mm512_sub_ps(_mm512_load_ps(block.best + q), slack)));
  }
}

}  // namespace assay::kernels
#pragma GCC pop_options
