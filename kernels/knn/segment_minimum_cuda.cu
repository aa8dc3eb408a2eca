// SPDX-License-Identifier: Apache-2.0
// Segment minimum on CUDA: blocks of 128 queries scan parts of the references (score_tile.cuh). Each piece of a segment
// within a tile is reduced to one score a query, by the 16 lanes that hold them, and joins the table by an integer
// atomic maximum of the score's ordered bits: a maximum does not depend on the order, so neither do the bits. A kernel
// before fills the table with the lowest score, one after turns scores into distances.
#include <cuda_runtime.h>

#include <cfloat>

#include "kernels/base/cuda_check.h"
#include "kernels/knn/bank_splits.h"
#include "kernels/knn/score_tile.cuh"
#include "kernels/knn/segment_minimum.h"

namespace assay::kernels {

static_assert(kTileQueries == kSplitQueries && kTileRows == kSplitRows);

// ---- Device helpers

// Integers that compare as their floats do (NaN aside). Its own inverse.
__device__ __forceinline__ int ordered_bits(int bits) { return bits >= 0 ? bits : bits ^ 0x7fffffff; }

struct SegmentSearch {
  const SegmentMinimumArgs& a;
  int64_t part_row;
  int64_t segment;  // that the tile's first row belongs to

  // Binary search for the first segment that ends behind `first_row`.
  __device__ SegmentSearch(const SegmentMinimumArgs& args, int64_t first_row)
      : a(args), part_row(first_row), segment(0) {
    int64_t end = args.num_segments;
    while (segment < end) {
      const int64_t middle = segment + (end - segment) / 2;
      if (args.offsets[middle + 1] <= first_row) {
        segment = middle + 1;
      } else {
        end = middle;
      }
    }
  }

  __device__ __forceinline__ void tile(const float (&scores)[8][8], int row) {
    const int64_t first_row = part_row + row;
    const int rows = static_cast<int>(min(int64_t{kTileRows}, a.references.rows - first_row));
    for (int begin = 0; begin < rows; ++segment) {
      const int end = static_cast<int>(min(a.offsets[segment + 1] - first_row, int64_t{rows}));
      if (end > begin) fold(scores, begin, end);
      begin = max(begin, end);
      if (a.offsets[segment + 1] - first_row > rows) break;  // the next tile goes on with this segment
    }
  }

  // table(q, j) = max(table(q, j), scores of the tile's rows begin..end-1), j = segment. A NaN never replaces a number.
  __device__ __forceinline__ void fold(const float (&scores)[8][8], int begin, int end) {
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      float best = kLowestScore;
#pragma unroll
      for (int c = 0; c < 8; ++c) {
        if (row_of(c) >= begin && row_of(c) < end) best = fmaxf(best, scores[i][c]);
      }
#pragma unroll
      for (int step = 8; step > 0; step /= 2) best = fmaxf(best, __shfl_xor_sync(kFullWarp, best, step));
      const int64_t query = int64_t{blockIdx.x} * kTileQueries + query_of(i);
      if (threadIdx.x % 16 == 0 && query < a.num_queries && best > kLowestScore) {
        atomicMax(reinterpret_cast<int*>(a.table + query * a.table_stride + segment),
                  ordered_bits(__float_as_int(best)));
      }
    }
  }
};

// ---- Kernels

constexpr int kTableQueries = 8;  // warps of a block

// Budget: 32 registers, 0 bytes shared.
__global__ void __launch_bounds__(kTableQueries * 32) segment_minimum_fill_warp_per_query(SegmentMinimumArgs a) {
  const int64_t query = int64_t{blockIdx.x} * kTableQueries + threadIdx.x / 32;
  if (query >= a.num_queries) return;
  int* row = reinterpret_cast<int*>(a.table + query * a.table_stride);
  for (int64_t j = threadIdx.x % 32; j < a.num_segments; j += 32) row[j] = ordered_bits(__float_as_int(kLowestScore));
}

// Budget: 128 registers, 34304 bytes shared.
__global__ void __launch_bounds__(kTileThreads, 2)
    segment_minimum_block_per_part(SegmentMinimumArgs a, int64_t part_rows) {
  __shared__ __align__(16) TileShared shared;
  const int64_t first_query = int64_t{blockIdx.x} * kTileQueries;
  const int64_t first_row = int64_t{blockIdx.y} * part_rows;
  SegmentSearch search(a, first_row);
  scan_tiles(a.queries, a.num_queries, a.references, first_query, first_row,
             static_cast<int>(min(part_rows, a.references.rows - first_row)), shared, search);
}

// Budget: 40 registers, 0 bytes shared.
__global__ void __launch_bounds__(kTableQueries * 32) segment_minimum_finish_warp_per_query(SegmentMinimumArgs a) {
  const int64_t query = int64_t{blockIdx.x} * kTableQueries + threadIdx.x / 32;
  if (query >= a.num_queries) return;  // whole warps: the shuffles below stay legal
  const int lane = threadIdx.x % 32;
  const float* q = a.queries + query * a.references.dim;
  double squared_norm = 0;
  for (int64_t d = lane; d < a.references.dim; d += 32) {
    squared_norm = fma(static_cast<double>(q[d]), static_cast<double>(q[d]), squared_norm);
  }
#pragma unroll
  for (int step = 16; step > 0; step /= 2) squared_norm += __shfl_xor_sync(kFullWarp, squared_norm, step);
  // Below this limit q.p cannot overflow either; above it infinity - infinity makes every distance infinite.
  if (squared_norm > FLT_MAX) squared_norm = INFINITY;
  float* row = a.table + query * a.table_stride;
  for (int64_t j = lane; j < a.num_segments; j += 32) {
    const float best = __int_as_float(ordered_bits(__float_as_int(row[j])));
    const double distance2 = squared_norm - 2.0 * best;
    // Written so that a NaN, from a query or from infinity - infinity, becomes infinity.
    row[j] = distance2 >= 0 ? static_cast<float>(distance2) : distance2 < 0 ? 0.0f : INFINITY;
  }
}

// ---- Launcher

void segment_minimum_cuda(const SegmentMinimumArgs& args, void* cuda_stream) {
  if (args.num_queries == 0 || args.num_segments == 0) return;
  const cudaStream_t stream = static_cast<cudaStream_t>(cuda_stream);
  const dim3 table_grid = cuda_grid("segment_minimum", (args.num_queries + kTableQueries - 1) / kTableQueries);
  segment_minimum_fill_warp_per_query<<<table_grid, kTableQueries * 32, 0, stream>>>(args);
  ASSAY_CUDA_CHECK_LAUNCH("segment_minimum", table_grid, kTableQueries * 32);
  if (args.references.rows > 0) {
    const BankSplits splits = bank_splits(args.num_queries, args.references.rows);
    dim3 grid = cuda_grid("segment_minimum", (args.num_queries + kTileQueries - 1) / kTileQueries);
    grid.y = static_cast<unsigned>(splits.parts);
    segment_minimum_block_per_part<<<grid, kTileThreads, 0, stream>>>(args, splits.part_rows);
    ASSAY_CUDA_CHECK_LAUNCH("segment_minimum", grid, kTileThreads);
  }
  segment_minimum_finish_warp_per_query<<<table_grid, kTableQueries * 32, 0, stream>>>(args);
  ASSAY_CUDA_CHECK_LAUNCH("segment_minimum", table_grid, kTableQueries * 32);
}

}  // namespace assay::kernels
