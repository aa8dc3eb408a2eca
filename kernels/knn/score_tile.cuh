// SPDX-License-Identifier: Apache-2.0
// What the CUDA searches of a packed bank share: a block of 128 queries against tiles of 128 bank rows.
//
// score(q, x) = q.x - |x|^2 / 2 as on the CPU. 256 threads hold 8 x 8 scores each in registers; features stream through
// shared memory in slices of 16, the next slice copied while one is used, across the ends of tiles too. A warp holds
// all 128 scores of 16 queries, so that what a search keeps for a query never leaves its warp. The sum of a score
// starts at
// -|x|^2 / 2 and runs over d ascending: it depends on its query and row alone, never on how work was cut.
//
// A search is a class with
//   __device__ void tile(const float (&scores)[8][8], int row);
// called by all threads for each tile, whose first row is the part's row `row` (32 bits, because registers are scarce).
// query_of and row_of say which scores a thread holds. Rows past the end of the bank have score -infinity or NaN,
// scores of queries past the end are rubbish.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/base/tensor_core.cuh"
#include "kernels/knn/packed_bank.h"

namespace assay::kernels {

constexpr int kTileQueries = 128;
constexpr int kTileRows = 128;
constexpr int kTileThreads = 256;
constexpr int kSliceDepth = 16;  // 1024 multiply-adds a thread between two barriers
// 4 floats of padding: a warp copies 16 features of 2 queries to 16 lines, of which then 8 start in different banks.
constexpr int kQueryLine = kTileQueries + 4;
constexpr unsigned kFullWarp = 0xffffffffu;
constexpr float kLowestScore = -INFINITY;

struct TileShared {
  float queries[2][kSliceDepth][kQueryLine];  // feature-major
  float rows[2][kSliceDepth][kTileRows];
  float half_norms[2][kTileRows];  // -|x|^2 / 2
};

// ---- Who holds what: lanes 0..15 and 16..31 of a warp hold eight queries each, a lane's rows are 4 + 4 neighbours.

__device__ __forceinline__ int query_of(int i) { return threadIdx.x / 16 * 8 + i; }
__device__ __forceinline__ int row_of(int j) { return (j < 4 ? 0 : 60) + threadIdx.x % 16 * 4 + j; }

// ---- Copies into shared memory

// Features d0..d0+15 of the block's queries; zeros outside. Single floats, so that any address and width is legal.
__device__ __forceinline__ void copy_query_slice(const float* queries, int64_t num_queries, int64_t dim,
                                                 int64_t first_query, int64_t d0,
                                                 float (&slice)[kSliceDepth][kQueryLine]) {
  const int d = threadIdx.x % kSliceDepth;
#pragma unroll 1
  for (int i = 0; i < kTileQueries * kSliceDepth / kTileThreads; ++i) {
    const int q = threadIdx.x / kSliceDepth + i * (kTileThreads / kSliceDepth);
    const bool inside = first_query + q < num_queries && d0 + d < dim;
    copy_async<4>(&slice[d][q], inside ? queries + (first_query + q) * dim + d0 + d : queries, inside ? 4 : 0);
  }
}

// Features d0..d0+15 of the tile's rows, four rows a copy; zeros outside.
__device__ __forceinline__ void copy_row_slice(const PackedBank& bank, int64_t first_row, int64_t d0,
                                               float (&slice)[kSliceDepth][kTileRows]) {
  const int row = threadIdx.x % 32 * 4;
  const float* panel = bank.panels + (first_row + row) / kPanelRows * (bank.dim + 1) * kPanelRows;
#pragma unroll
  for (int i = 0; i < kTileRows * kSliceDepth / 4 / kTileThreads; ++i) {
    const int d = threadIdx.x / 32 + i * (kTileThreads / 32);
    // The last panel has rows past the end of the bank, zeros; whole panels past the end do not exist.
    const bool inside = (first_row + row) / kPanelRows * kPanelRows < bank.rows && d0 + d < bank.dim;
    copy_async<16>(&slice[d][row], inside ? panel + (1 + d0 + d) * kPanelRows + row % kPanelRows : bank.panels,
                   inside ? 16 : 0);
  }
}

__device__ __forceinline__ void copy_half_norms(const PackedBank& bank, int64_t first_row, float (&half)[kTileRows]) {
  if (threadIdx.x >= 32) return;
  const int row = threadIdx.x * 4;
  if ((first_row + row) / kPanelRows * kPanelRows < bank.rows) {
    copy_async<16>(&half[row],
                   bank.panels + (first_row + row) / kPanelRows * (bank.dim + 1) * kPanelRows + row % kPanelRows);
  } else {
    *reinterpret_cast<float4*>(&half[row]) = make_float4(kLowestScore, kLowestScore, kLowestScore, kLowestScore);
  }
}

// ---- The scan

__device__ __forceinline__ void start_scores(const float (&half)[kTileRows], float (&scores)[8][8]) {
#pragma unroll
  for (int j = 0; j < 8; ++j) {
    const float h = half[row_of(j)];
#pragma unroll
    for (int i = 0; i < 8; ++i) scores[i][j] = h;
  }
}

__device__ __forceinline__ void add_slice(const float (&queries)[kSliceDepth][kQueryLine],
                                          const float (&rows)[kSliceDepth][kTileRows], float (&scores)[8][8]) {
#pragma unroll 2
  for (int d = 0; d < kSliceDepth; ++d) {
    const float4 q0 = *reinterpret_cast<const float4*>(&queries[d][query_of(0)]);
    const float4 q1 = *reinterpret_cast<const float4*>(&queries[d][query_of(4)]);
    const float4 x0 = *reinterpret_cast<const float4*>(&rows[d][row_of(0)]);
    const float4 x1 = *reinterpret_cast<const float4*>(&rows[d][row_of(4)]);
    const float q[8] = {q0.x, q0.y, q0.z, q0.w, q1.x, q1.y, q1.z, q1.w};
    const float x[8] = {x0.x, x0.y, x0.z, x0.w, x1.x, x1.y, x1.z, x1.w};
#pragma unroll
    for (int i = 0; i < 8; ++i) {
#pragma unroll
      for (int j = 0; j < 8; ++j) scores[i][j] = fmaf(q[i], x[j], scores[i][j]);
    }
  }
}

// Scans the part of the bank that begins at first_row, a multiple of the tile, and has num_rows rows, ascending.
template <class Search>
__device__ __forceinline__ void scan_tiles(const float* queries, int64_t num_queries, const PackedBank& bank,
                                           int64_t first_query, int64_t first_row, int num_rows, TileShared& shared,
                                           Search& search) {
  const auto copy = [&](int stage, int row, int64_t d0) {
    copy_query_slice(queries, num_queries, bank.dim, first_query, d0, shared.queries[stage]);
    copy_row_slice(bank, first_row + row, d0, shared.rows[stage]);
    if (d0 == 0) copy_half_norms(bank, first_row + row, shared.half_norms[stage]);
    copy_async_commit();
  };
  if (num_rows <= 0) return;  // the same for the whole block
  float scores[8][8];
  int stage = 0;
  copy(stage, 0, 0);
  for (int row = 0; row < num_rows; row += kTileRows) {
    for (int64_t d0 = 0; d0 < bank.dim; d0 += kSliceDepth) {
      copy_async_wait<0>();
      __syncthreads();  // this slice has arrived, and nobody reads the other stage any more
      if (d0 + kSliceDepth < bank.dim) {
        copy(stage ^ 1, row, d0 + kSliceDepth);
      } else if (row + kTileRows < num_rows) {
        copy(stage ^ 1, row + kTileRows, 0);
      }
      if (d0 == 0) start_scores(shared.half_norms[stage], scores);
      add_slice(shared.queries[stage], shared.rows[stage], scores);
      stage ^= 1;
    }
    search.tile(scores, row);
  }
}

// ---- The distance of a row that was chosen

// Sum of (q_d - x_d)^2 in double, rounded once, by a whole warp in a fixed order; every lane gets it.
__device__ __forceinline__ float warp_distance2(const float* query, const PackedBank& bank, int64_t row) {
  const float* x = bank.panels + row / kPanelRows * (bank.dim + 1) * kPanelRows + kPanelRows + row % kPanelRows;
  double sum = 0;
  for (int64_t d = threadIdx.x % 32; d < bank.dim; d += 32) {
    const double difference = static_cast<double>(query[d]) - x[d * kPanelRows];
    sum = fma(difference, difference, sum);
  }
#pragma unroll
  for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(kFullWarp, sum, step);
  return static_cast<float>(sum);
}

}  // namespace assay::kernels
