// SPDX-License-Identifier: Apache-2.0
// Nearest neighbour on CUDA: blocks of 128 queries scan parts of the bank (score_tile.cuh), each thread keeping the
// best of the rows it holds; the 16 lanes of a query compare at the end of the part. A second kernel compares the
// parts, a warp a query, and measures the distance of the winner in double.
#include <cuda_runtime.h>

#include "kernels/base/cuda_check.h"
#include "kernels/knn/bank_splits.h"
#include "kernels/knn/nearest_neighbour.h"
#include "kernels/knn/score_tile.cuh"

namespace assay::kernels {

static_assert(kTileQueries == kSplitQueries && kTileRows == kSplitRows);

// Winners of the parts, in the workspace. Memory: 12 bytes a query and part.
struct NearestParts {
  int64_t* index;  // (parts, Q); -1: none
  float* score;    // (parts, Q)
  int64_t parts;
  int64_t part_rows;
};

// ---- Device helpers

// Of two rows the one with the larger score; of equals the lower index.
template <class Index>
__device__ __forceinline__ void take_better(float other_score, Index other_index, float* score, Index* index) {
  if (other_score > *score || (other_score == *score && other_index < *index)) {
    *score = other_score;
    *index = other_index;
  }
}

// Rows within a part, counted in 32 bits: 64-bit indices would take 8 registers more.
struct NearestSearch {
  float best[8];
  int row[8];

  __device__ NearestSearch() {
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      best[i] = kLowestScore;
      row[i] = -1;
    }
  }
  // Rows of a thread ascend from tile to tile and within one, so that `>` leaves a tie to the lower index.
  __device__ __forceinline__ void tile(const float (&scores)[8][8], int first_row) {
#pragma unroll
    for (int i = 0; i < 8; ++i) {
#pragma unroll
      for (int j = 0; j < 8; ++j) {
        if (scores[i][j] > best[i]) {
          best[i] = scores[i][j];
          row[i] = first_row + row_of(j);
        }
      }
    }
  }
};

// ---- Kernels

// Budget: 128 registers, 34304 bytes shared.
__global__ void __launch_bounds__(kTileThreads, 2)
    nearest_neighbour_block_per_part(NearestNeighbourArgs a, NearestParts p) {
  __shared__ __align__(16) TileShared shared;
  const int64_t first_query = int64_t{blockIdx.x} * kTileQueries;
  const int64_t first_row = int64_t{blockIdx.y} * p.part_rows;
  NearestSearch search;
  scan_tiles(a.queries, a.num_queries, a.bank, first_query, first_row,
             static_cast<int>(min(p.part_rows, a.bank.rows - first_row)), shared, search);
#pragma unroll
  for (int i = 0; i < 8; ++i) {
#pragma unroll
    for (int step = 8; step > 0; step /= 2) {
      const float score = __shfl_xor_sync(kFullWarp, search.best[i], step);
      const int row = __shfl_xor_sync(kFullWarp, search.row[i], step);
      take_better(score, row, &search.best[i], &search.row[i]);
    }
    const int64_t query = first_query + query_of(i);
    if (threadIdx.x % 16 == 0 && query < a.num_queries) {
      const int64_t at = int64_t{blockIdx.y} * a.num_queries + query;
      p.score[at] = search.best[i];
      p.index[at] = search.row[i] < 0 ? -1 : first_row + search.row[i];
    }
  }
}

constexpr int kMergeQueries = 8;  // warps of a block

// Budget: 48 registers, 0 bytes shared.
__global__ void __launch_bounds__(kMergeQueries * 32)
    nearest_neighbour_warp_per_query(NearestNeighbourArgs a, NearestParts p) {
  const int64_t query = int64_t{blockIdx.x} * kMergeQueries + threadIdx.x / 32;
  if (query >= a.num_queries) return;  // whole warps: the shuffles below stay legal
  float score = kLowestScore;
  int64_t index = -1;
  for (int64_t part = threadIdx.x % 32; part < p.parts; part += 32) {
    const int64_t at = part * a.num_queries + query;
    if (p.score[at] > score) {
      score = p.score[at];
      index = p.index[at];
    }
  }
#pragma unroll
  for (int step = 16; step > 0; step /= 2) {
    const float other_score = __shfl_xor_sync(kFullWarp, score, step);
    const long long other_index = __shfl_xor_sync(kFullWarp, static_cast<long long>(index), step);
    take_better(other_score, static_cast<int64_t>(other_index), &score, &index);
  }
  const float distance2 = index < 0 ? INFINITY : warp_distance2(a.queries + query * a.bank.dim, a.bank, index);
  if (threadIdx.x % 32 == 0) {
    a.index[query] = index;
    a.distance2[query] = distance2;
  }
}

// ---- Launcher

void nearest_neighbour_cuda(const NearestNeighbourArgs& args, void* cuda_stream) {
  if (args.num_queries == 0) return;
  const cudaStream_t stream = static_cast<cudaStream_t>(cuda_stream);
  const int64_t part_bytes = args.num_queries * static_cast<int64_t>(sizeof(int64_t) + sizeof(float));
  const BankSplits splits =
      bank_splits_within("nearest_neighbour", args.num_queries, args.bank.rows, part_bytes, args.workspace_bytes);
  int64_t* index = static_cast<int64_t*>(args.workspace);
  const NearestParts parts = {index, reinterpret_cast<float*>(index + splits.parts * args.num_queries), splits.parts,
                              splits.part_rows};
  dim3 grid = cuda_grid("nearest_neighbour", (args.num_queries + kTileQueries - 1) / kTileQueries);
  grid.y = static_cast<unsigned>(splits.parts);
  nearest_neighbour_block_per_part<<<grid, kTileThreads, 0, stream>>>(args, parts);
  ASSAY_CUDA_CHECK_LAUNCH("nearest_neighbour", grid, kTileThreads);
  const dim3 merge_grid = cuda_grid("nearest_neighbour", (args.num_queries + kMergeQueries - 1) / kMergeQueries);
  nearest_neighbour_warp_per_query<<<merge_grid, kMergeQueries * 32, 0, stream>>>(args, parts);
  ASSAY_CUDA_CHECK_LAUNCH("nearest_neighbour", merge_grid, kMergeQueries * 32);
}

}  // namespace assay::kernels
