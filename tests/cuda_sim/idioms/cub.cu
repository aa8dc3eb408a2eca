// SPDX-License-Identifier: Apache-2.0
// Block-wide primitives of CUB.
#include <cub/block/block_radix_sort.cuh>
#include <cub/block/block_reduce.cuh>
#include <cub/block/block_scan.cuh>

#include "tests/cuda_sim/idioms/idioms.h"

namespace assay::cuda_sim::idioms {

constexpr int kItems = 4;

__global__ void cub_block_sum_kernel(const int* items, int* sum) {
  using Reduce = cub::BlockReduce<int, kBlock>;
  __shared__ typename Reduce::TempStorage storage;
  int mine[kItems];
  for (int k = 0; k < kItems; ++k) mine[k] = items[threadIdx.x * kItems + k];
  const int total = Reduce(storage).Sum(mine);
  if (threadIdx.x == 0) *sum = total;
}

__global__ void cub_block_scan_kernel(const int* items, int* exclusive) {
  using Scan = cub::BlockScan<int, kBlock>;
  __shared__ typename Scan::TempStorage storage;
  int mine[kItems];
  for (int k = 0; k < kItems; ++k) mine[k] = items[threadIdx.x * kItems + k];
  Scan(storage).ExclusiveSum(mine, mine);
  for (int k = 0; k < kItems; ++k) exclusive[threadIdx.x * kItems + k] = mine[k];
}

__global__ void cub_block_sort_kernel(const float* keys, float* sorted) {
  using Sort = cub::BlockRadixSort<float, kBlock, kItems>;
  __shared__ typename Sort::TempStorage storage;
  float mine[kItems];
  for (int k = 0; k < kItems; ++k) mine[k] = keys[threadIdx.x * kItems + k];
  Sort(storage).Sort(mine);
  for (int k = 0; k < kItems; ++k) sorted[threadIdx.x * kItems + k] = mine[k];
}

void cub_block_sum(const int* items, int* sum) { cub_block_sum_kernel<<<1, kBlock>>>(items, sum); }
void cub_block_scan(const int* items, int* exclusive) { cub_block_scan_kernel<<<1, kBlock>>>(items, exclusive); }
void cub_block_sort(const float* keys, float* sorted) { cub_block_sort_kernel<<<1, kBlock>>>(keys, sorted); }

}  // namespace assay::cuda_sim::idioms
