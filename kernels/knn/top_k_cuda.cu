// SPDX-License-Identifier: Apache-2.0
// Top-k on CUDA: blocks of 128 queries scan parts of the bank (score_tile.cuh). A query's candidates stand in shared
// memory, best score first, and belong to the warp that holds the query's scores. A row that beats the worst of them is
// rare (about k ln(N / k) times a query): lanes vote whether there is any, and the warp inserts them one by one, rows
// ascending. A second kernel merges the parts the same way, a warp a query, measures the k distances in double and
// sorts them.
#include <cuda_runtime.h>

#include "kernels/base/cuda_check.h"
#include "kernels/knn/bank_splits.h"
#include "kernels/knn/score_tile.cuh"
#include "kernels/knn/top_k.h"

namespace assay::kernels {

static_assert(kTileQueries == kSplitQueries && kTileRows == kSplitRows);
static_assert(kMaxTopK == 64, "a warp holds a list as two entries a lane");

// Candidates of the parts, in the workspace. Memory: 12 k bytes a query and part.
struct TopKParts {
  int64_t* index;  // (parts, Q, k); -1 where a place is empty
  float* score;    // (parts, Q, k), falling
  int64_t parts;
  int64_t part_rows;
};

// ---- Device helpers

// Inserts into a list of k entries, scores falling, behind entries of equal score; the last falls off. `score` beats
// the last entry. By a whole warp, whose list it is; returns the score of the new last entry.
template <class Index>
__device__ __forceinline__ float warp_insert(float* scores, Index* indices, int k, float score, Index index) {
  const int lane = threadIdx.x % 32;
  const bool has0 = lane < k, has1 = lane + 32 < k;
  const float score0 = has0 ? scores[lane] : kLowestScore, score1 = has1 ? scores[lane + 32] : kLowestScore;
  const Index index0 = has0 ? indices[lane] : -1, index1 = has1 ? indices[lane + 32] : -1;
  const int place =
      __popc(__ballot_sync(kFullWarp, score0 >= score)) + __popc(__ballot_sync(kFullWarp, score1 >= score));
  __syncwarp();
  if (lane >= place && lane + 1 < k) {
    scores[lane + 1] = score0;
    indices[lane + 1] = index0;
  }
  if (lane + 32 >= place && lane + 33 < k) {
    scores[lane + 33] = score1;
    indices[lane + 33] = index1;
  }
  if (lane == 0) {
    scores[place] = score;
    indices[place] = index;
  }
  __syncwarp();
  return scores[k - 1];
}

// Dynamic shared memory: the tile, then the lists; 98 KiB at k = 64, 43 KiB at k = 9.
extern __shared__ __align__(16) unsigned char top_k_shared[];

// Lists of the block's queries, found anew where they are needed: registers are scarce.
__device__ __forceinline__ float* list_scores() { return reinterpret_cast<float*>(top_k_shared + sizeof(TileShared)); }
__device__ __forceinline__ int* list_rows(int k) { return reinterpret_cast<int*>(list_scores() + kTileQueries * k); }

struct TopKSearch {
  int k;

  __device__ TopKSearch(int list_length, int64_t queries_left) : k(list_length) {
    const int lane = threadIdx.x % 32, first_list = threadIdx.x / 32 * 16;
    for (int e = lane; e < 16 * k; e += 32) {
      // Nothing enters the lists of queries past the end.
      list_scores()[first_list * k + e] = first_list + e / k < queries_left ? kLowestScore : INFINITY;
      list_rows(k)[first_list * k + e] = -1;
    }
    __syncwarp();
  }

  __device__ __forceinline__ void tile(const float (&s)[8][8], int first_row) {
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      consider(i, first_row, s[i][0], s[i][1], s[i][2], s[i][3]);
      consider(i, first_row + 64, s[i][4], s[i][5], s[i][6], s[i][7]);
    }
  }

  // Four neighbouring rows of each lane. Lanes ascend as their rows do, so that a tie stays with the lower index.
  __device__ __forceinline__ void consider(int i, int base, float s0, float s1, float s2, float s3) {
    const float bound = list_scores()[query_of(i) * k + k - 1];
    unsigned lanes = __ballot_sync(kFullWarp, s0 > bound || s1 > bound || s2 > bound || s3 > bound);
    while (lanes != 0) {
      const int leader = __clz(static_cast<int>(__brev(lanes)));  // the lowest lane of those left
      lanes &= lanes - 1;
      const int list = (threadIdx.x / 32 * 16 + leader / 16 * 8 + i) * k;
      float last = list_scores()[list + k - 1];
#pragma unroll 1  // rare, and long
      for (int c = 0; c < 4; ++c) {
        const float own = c == 0 ? s0 : c == 1 ? s1 : c == 2 ? s2 : s3;
        const float score = __shfl_sync(kFullWarp, own, leader);
        if (!(score > last)) continue;
        last = warp_insert(list_scores() + list, list_rows(k) + list, k, score, base + leader % 16 * 4 + c);
      }
    }
  }
};

// ---- Kernels

int64_t top_k_shared_bytes(int64_t k) {
  return static_cast<int64_t>(sizeof(TileShared)) +
         kTileQueries * k * static_cast<int64_t>(sizeof(float) + sizeof(int));
}

// Budget: 128 registers, 0 bytes shared, 99840 bytes dynamic.
__global__ void __launch_bounds__(kTileThreads, 2) top_k_block_per_part(TopKArgs a, TopKParts p) {
  TileShared& shared = *reinterpret_cast<TileShared*>(top_k_shared);
  const int k = static_cast<int>(a.k);
  const int64_t first_query = int64_t{blockIdx.x} * kTileQueries;
  const int64_t first_row = int64_t{blockIdx.y} * p.part_rows;
  TopKSearch search(k, a.num_queries - first_query);
  scan_tiles(a.queries, a.num_queries, a.bank, first_query, first_row,
             static_cast<int>(min(p.part_rows, a.bank.rows - first_row)), shared, search);
  const int lane = threadIdx.x % 32, first_list = threadIdx.x / 32 * 16;
  const int64_t first_of_warp = (int64_t{blockIdx.y} * a.num_queries + first_query + first_list) * a.k;
  for (int e = lane; e < 16 * k; e += 32) {
    if (first_query + first_list + e / k >= a.num_queries) break;
    const int row = list_rows(k)[first_list * k + e];
    p.score[first_of_warp + e] = list_scores()[first_list * k + e];
    p.index[first_of_warp + e] = row < 0 ? -1 : first_row + row;
  }
}

constexpr int kMergeQueries = 4;  // warps of a block

// Budget: 64 registers, 4096 bytes shared.
__global__ void __launch_bounds__(kMergeQueries * 32) top_k_warp_per_query(TopKArgs a, TopKParts p) {
  __shared__ int64_t all_indices[kMergeQueries][kMaxTopK];
  __shared__ float all_scores[kMergeQueries][kMaxTopK];
  __shared__ float all_distances[kMergeQueries][kMaxTopK];
  const int64_t query = int64_t{blockIdx.x} * kMergeQueries + threadIdx.x / 32;
  if (query >= a.num_queries) return;  // whole warps, and no barrier of the block follows
  const int lane = threadIdx.x % 32, k = static_cast<int>(a.k);
  int64_t* indices = all_indices[threadIdx.x / 32];
  float* scores = all_scores[threadIdx.x / 32];
  float* distances = all_distances[threadIdx.x / 32];
  for (int e = lane; e < k; e += 32) {
    indices[e] = -1;
    scores[e] = kLowestScore;
  }
  __syncwarp();
  // Parts ascend, and so do the rows of equal score within one: the lower index is inserted first.
  float last = kLowestScore;
  for (int64_t part = 0; part < p.parts; ++part) {
    const int64_t list = (part * a.num_queries + query) * a.k;
    const float score0 = lane < k ? p.score[list + lane] : kLowestScore;
    const float score1 = lane + 32 < k ? p.score[list + lane + 32] : kLowestScore;
    for (int e = 0; e < k; ++e) {
      const float score = __shfl_sync(kFullWarp, e < 32 ? score0 : score1, e % 32);
      if (!(score > last)) break;  // the same in the whole warp
      last = warp_insert(scores, indices, k, score, p.index[list + e]);
    }
  }
  int taken = 0;
  for (; taken < k && indices[taken] >= 0; ++taken) {
    const float distance2 = warp_distance2(a.queries + query * a.bank.dim, a.bank, indices[taken]);
    if (lane == 0) distances[taken] = distance2;
  }
  __syncwarp();
  for (int e = lane; e < k; e += 32) {
    int place = 0;  // among the entries taken, by (distance2, index)
    for (int other = 0; other < taken; ++other) {
      place += e < taken &&
               (distances[other] < distances[e] || (distances[other] == distances[e] && indices[other] < indices[e]));
    }
    const int64_t at = query * a.k + (e < taken ? place : e);
    a.index[at] = indices[e];
    a.distance2[at] = e < taken ? distances[e] : INFINITY;
  }
}

// ---- Launcher

void top_k_cuda(const TopKArgs& args, void* cuda_stream) {
  if (args.num_queries == 0) return;
  const cudaStream_t stream = static_cast<cudaStream_t>(cuda_stream);
  const int64_t candidates = args.num_queries * args.k;
  const BankSplits splits =
      bank_splits_within("top_k", args.num_queries, args.bank.rows,
                         candidates * static_cast<int64_t>(sizeof(int64_t) + sizeof(float)), args.workspace_bytes);
  int64_t* index = static_cast<int64_t*>(args.workspace);
  const TopKParts parts = {index, reinterpret_cast<float*>(index + splits.parts * candidates), splits.parts,
                           splits.part_rows};
  const int shared_bytes = static_cast<int>(top_k_shared_bytes(args.k));
  ASSAY_CUDA_CHECK(cudaFuncSetAttribute(reinterpret_cast<const void*>(top_k_block_per_part),
                                        cudaFuncAttributeMaxDynamicSharedMemorySize,
                                        static_cast<int>(top_k_shared_bytes(kMaxTopK))));
  dim3 grid = cuda_grid("top_k", (args.num_queries + kTileQueries - 1) / kTileQueries);
  grid.y = static_cast<unsigned>(splits.parts);
  top_k_block_per_part<<<grid, kTileThreads, shared_bytes, stream>>>(args, parts);
  ASSAY_CUDA_CHECK_LAUNCH("top_k", grid, kTileThreads);
  const dim3 merge_grid = cuda_grid("top_k", (args.num_queries + kMergeQueries - 1) / kMergeQueries);
  top_k_warp_per_query<<<merge_grid, kMergeQueries * 32, 0, stream>>>(args, parts);
  ASSAY_CUDA_CHECK_LAUNCH("top_k", merge_grid, kMergeQueries * 32);
}

}  // namespace assay::kernels
