// SPDX-License-Identifier: Apache-2.0
#include "kernels/knn/byte_codes.h"

// GCC 12 takes _mm512_undefined_* of its own header for a mistake.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>

#include <algorithm>
#include <cmath>

// After all headers, so that no function of theirs is compiled for AVX-512.
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")

namespace assay::kernels {
namespace {

constexpr int64_t kLanes = 16;

// Signs that no regular row follows: bit i of the product's middle, for feature 16 v + i.
inline __mmask16 signs_of(int64_t vector) {
  return static_cast<__mmask16>((static_cast<uint64_t>(vector + 1) * 0x9E3779B97F4A7C15ull) >> 40);
}

// Hadamard's matrix of size n = 2^m >= 16, divided by the root of n.
void hadamard(float* x, int64_t n) {
  const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m512 factor = _mm512_set1_ps(static_cast<float>(1 / std::sqrt(static_cast<double>(n))));
  for (int64_t i = 0; i < n; i += kLanes) {
    __m512 v = _mm512_loadu_ps(x + i);
    for (int step = 1; step < kLanes; step *= 2) {
      const __m512i width = _mm512_set1_epi32(step);
      const __m512 other = _mm512_permutexvar_ps(_mm512_xor_si512(lane, width), v);
      v = _mm512_mask_sub_ps(_mm512_add_ps(other, v), _mm512_test_epi32_mask(lane, width), other, v);
    }
    _mm512_storeu_ps(x + i, _mm512_mul_ps(v, factor));
  }
  for (int64_t step = kLanes; step < n; step *= 2) {
    for (int64_t block = 0; block < n; block += 2 * step) {
      for (int64_t i = block; i < block + step; i += kLanes) {
        const __m512 a = _mm512_loadu_ps(x + i), b = _mm512_loadu_ps(x + i + step);
        _mm512_storeu_ps(x + i, _mm512_add_ps(a, b));
        _mm512_storeu_ps(x + i + step, _mm512_sub_ps(a, b));
      }
    }
  }
}

void turn(const float* x, int64_t dim, float* turned) {
  const int64_t width = byte_width(dim);
  for (int64_t d = 0; d < width; d += kLanes) {
    const int64_t left = std::min(kLanes, dim - d);
    const __m512 v = _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << left) - 1), x + d);
    _mm512_storeu_ps(turned + d, _mm512_mask_sub_ps(v, signs_of(d / kLanes), _mm512_setzero_ps(), v));
  }
  int64_t n = kLanes;
  while (2 * n <= width) n *= 2;
  hadamard(turned, n);
  if (n < width) hadamard(turned + (width - n), n);
}

float length_of(__m512 squares) {
  // Float sums of 2^15 terms in 16 lanes are within 2^-12 of the exact ones; the factor is above that.
  return std::sqrt(_mm512_reduce_add_ps(squares)) * 1.0005f;
}

}  // namespace

ByteRow encode_row(const float* x, int64_t dim, float* turned, int8_t* codes) {
  turn(x, dim, turned);
  const int64_t width = byte_width(dim);
  __m512 largest = _mm512_setzero_ps();
  for (int64_t d = 0; d < width; d += kLanes) {
    largest = _mm512_max_ps(largest, _mm512_abs_ps(_mm512_loadu_ps(turned + d)));
  }
  const float peak = _mm512_reduce_max_ps(largest);
  constexpr float kTooSmall = 1e-15f;  // so that squares of residuals do not underflow; then all is residual
  const bool tiny = !(peak >= kTooSmall);
  const float scale = tiny ? 0.0f : peak / 127.0f;
  const __m512 inverse = _mm512_set1_ps(tiny ? 0.0f : 127.0f / peak), scales = _mm512_set1_ps(scale);
  const __m512i low = _mm512_set1_epi32(-127), high = _mm512_set1_epi32(127);
  __m512 own = _mm512_setzero_ps(), coded = own, rest = own;
  for (int64_t d = 0; d < width; d += kLanes) {
    const __m512 v = _mm512_loadu_ps(turned + d);
    const __m512i code = _mm512_min_epi32(high, _mm512_max_epi32(low, _mm512_cvtps_epi32(_mm512_mul_ps(v, inverse))));
    const __m512 kept = _mm512_cvtepi32_ps(code);
    const __m512 back = _mm512_mul_ps(kept, scales), left = _mm512_fnmadd_ps(kept, scales, v);
    own = _mm512_fmadd_ps(v, v, own);
    coded = _mm512_fmadd_ps(back, back, coded);
    rest = _mm512_fmadd_ps(left, left, rest);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(codes + d), _mm512_cvtepi32_epi8(code));
  }
  if (tiny) {  // squares may have underflown
    const float most = length_of(own) + peak * std::sqrt(static_cast<float>(width)) * 1.001f;
    return {0.0f, most, most};
  }
  return {scale, length_of(rest), std::max(length_of(own), length_of(coded))};
}

}  // namespace assay::kernels
#pragma GCC pop_options
