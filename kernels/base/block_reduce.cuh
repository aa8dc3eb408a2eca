// SPDX-License-Identifier: Apache-2.0
// Sums over a warp, and combinations of all kinds over a block, in fixed trees: the same bits at every launch. Every
// thread of the warp or block must call them, and gets the result.
#pragma once

#include <cuda_runtime.h>

namespace assay::kernels {

constexpr int kWarpLanes = 32;
constexpr unsigned kFullMask = 0xffffffffu;

template <class T>
__device__ inline T warp_sum(T value) {
#pragma unroll
  for (int lanes = kWarpLanes / 2; lanes > 0; lanes /= 2) value += __shfl_xor_sync(kFullMask, value, lanes);
  return value;
}

// Over a one-dimensional block of kThreads, a multiple of 32. `scratch` holds one value a warp. It may be used again at
// once: the first barrier is passed only when all have read what the last call left.
template <int kThreads, class T, class Combine>
__device__ inline T block_combine(T value, T* scratch, const Combine& combine) {
  constexpr int kWarps = kThreads / kWarpLanes;
  __syncthreads();
  if (threadIdx.x % kWarpLanes == 0) scratch[threadIdx.x / kWarpLanes] = value;
  __syncthreads();
  T total = scratch[0];
#pragma unroll
  for (int warp = 1; warp < kWarps; ++warp) total = combine(total, scratch[warp]);
  return total;
}

template <int kThreads, class T>
__device__ inline T block_sum(T value, T* scratch) {
  return block_combine<kThreads>(warp_sum(value), scratch, [](T a, T b) { return a + b; });
}

}  // namespace assay::kernels
