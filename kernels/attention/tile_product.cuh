// SPDX-License-Identifier: Apache-2.0
// Products of matrices in shared memory, added to each thread's block of the result in registers.
//
// kTy x kTx threads share the result. Thread (ty, tx) holds rows ty * kM .. ty * kM + kM - 1. Its columns depend on how
// the second operand lies: side by side in packs of four, tx * 4 + kTx * 4 * j .. + 3, where vectors run along the
// columns (nn, tn), or tx + kTx * j where they run along the contraction (nt). Either way a warp's loads of the second
// operand touch every bank once if its leading dimension is a multiple of 4 but not of 32; those of the first are
// broadcast. Depths and leading dimensions are multiples of 4.
#pragma once

#include <cuda_runtime.h>

#include "kernels/base/pack.cuh"

namespace assay::kernels {

// acc[i][j] += sum over t of a[row i][t] * b[column j][t], columns tx + kTx * j.
template <int kM, int kN, int kTx, int kDepth, int kLda, int kLdb>
__device__ inline void product_nt(const float* a, const float* b, int ty, int tx, float (&acc)[kM][kN]) {
#pragma unroll 4
  for (int t = 0; t < kDepth; t += 4) {
    Pack<4> rows[kM], cols[kN];
#pragma unroll
    for (int i = 0; i < kM; ++i) rows[i] = load_pack<4>(a + (ty * kM + i) * kLda + t);
#pragma unroll
    for (int j = 0; j < kN; ++j) cols[j] = load_pack<4>(b + (tx + kTx * j) * kLdb + t);
#pragma unroll
    for (int s = 0; s < 4; ++s) {
#pragma unroll
      for (int i = 0; i < kM; ++i) {
#pragma unroll
        for (int j = 0; j < kN; ++j) acc[i][j] = fmaf(rows[i].v[s], cols[j].v[s], acc[i][j]);
      }
    }
  }
}

// acc[i][4 j + s] += sum over t of a[row i][t] * b[t][column], columns tx * 4 + kTx * 4 * j + s.
template <int kM, int kPacks, int kTx, int kDepth, int kLda, int kLdb>
__device__ inline void product_nn(const float* a, const float* b, int ty, int tx, float (&acc)[kM][4 * kPacks]) {
#pragma unroll 2
  for (int t = 0; t < kDepth; t += 4) {
    Pack<4> rows[kM];
#pragma unroll
    for (int i = 0; i < kM; ++i) rows[i] = load_pack<4>(a + (ty * kM + i) * kLda + t);
#pragma unroll
    for (int u = 0; u < 4; ++u) {
#pragma unroll
      for (int j = 0; j < kPacks; ++j) {
        const Pack<4> cols = load_pack<4>(b + (t + u) * kLdb + tx * 4 + kTx * 4 * j);
#pragma unroll
        for (int i = 0; i < kM; ++i) {
#pragma unroll
          for (int s = 0; s < 4; ++s) acc[i][4 * j + s] = fmaf(rows[i].v[u], cols.v[s], acc[i][4 * j + s]);
        }
      }
    }
  }
}

// acc[i][4 j + s] += sum over t of a[t][row i] * b[t][column], columns tx * 4 + kTx * 4 * j + s.
template <int kM, int kPacks, int kTx, int kDepth, int kLda, int kLdb>
__device__ inline void product_tn(const float* a, const float* b, int ty, int tx, float (&acc)[kM][4 * kPacks]) {
#pragma unroll 4
  for (int t = 0; t < kDepth; ++t) {
    const Pack<kM> rows = load_pack<kM>(a + t * kLda + ty * kM);
#pragma unroll
    for (int j = 0; j < kPacks; ++j) {
      const Pack<4> cols = load_pack<4>(b + t * kLdb + tx * 4 + kTx * 4 * j);
#pragma unroll
      for (int i = 0; i < kM; ++i) {
#pragma unroll
        for (int s = 0; s < 4; ++s) acc[i][4 * j + s] = fmaf(rows.v[i], cols.v[s], acc[i][4 * j + s]);
      }
    }
  }
}

template <int kM, int kN>
__device__ inline void set_zero(float (&acc)[kM][kN]) {
#pragma unroll
  for (int i = 0; i < kM; ++i) {
#pragma unroll
    for (int j = 0; j < kN; ++j) acc[i][j] = 0;
  }
}

// Copies rows first .. first + kRows - 1 of a (rows, width) matrix with the given stride into tile (kRows, kLd),
// through transform(value, row). Rows past `rows`, and columns past `width` up to kCols, become 0 whatever transform
// does.
template <int kThreads, int kRows, int kCols, int kLd, class Transform>
__device__ inline void load_tile(const float* x, int64_t stride, int64_t first, int64_t rows, int width, int thread,
                                 float* tile, const Transform& transform) {
  for (int i = thread; i < kRows * kCols; i += kThreads) {
    const int row = i / kCols, col = i % kCols;
    const bool inside = first + row < rows && col < width;
    tile[row * kLd + col] = inside ? transform(x[(first + row) * stride + col], first + row) : 0.0f;
  }
}

template <int kThreads, int kRows, int kCols, int kLd>
__device__ inline void load_tile(const float* x, int64_t stride, int64_t first, int64_t rows, int width, int thread,
                                 float* tile) {
  load_tile<kThreads, kRows, kCols, kLd>(x, stride, first, rows, width, thread, tile,
                                         [](float value, int64_t) { return value; });
}

}  // namespace assay::kernels
