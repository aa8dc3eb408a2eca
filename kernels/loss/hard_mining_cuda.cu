// SPDX-License-Identifier: Apache-2.0
// Selection on CUDA: radix select over the elements as ordered integers, by one block. Four passes, eight bits each
// from the top, count how often each byte occurs among the elements that share the bytes chosen so far, and choose the
// next byte. A training batch has some 10^4 points, 50 KB, which stay in the second-level cache: several blocks would
// cost more in launches than they save. Counts are integers, so the order of the atomics does not matter.
#include <cuda_runtime.h>

#include "kernels/base/block_reduce.cuh"
#include "kernels/base/cuda_check.h"
#include "kernels/loss/hard_mining.h"
#include "kernels/loss/ordered_bits.h"

namespace assay::kernels {

constexpr int kSelectThreads = 1024;
constexpr int kBins = 256;
constexpr int kScaleThreads = 256;  // 8 warps, a row each
constexpr int kRowsPerBlock = kScaleThreads / kWarpLanes;

// ---- Device helpers

// counts[b] becomes the number of elements in bins b and above. Called by the whole block.
__device__ inline void sum_from_the_top(unsigned long long* counts) {
  for (int reach = 1; reach < kBins; reach *= 2) {
    const int bin = threadIdx.x;
    const unsigned long long above = bin + reach < kBins ? counts[bin + reach] : 0;
    __syncthreads();
    if (bin < kBins) counts[bin] += above;
    __syncthreads();
  }
}

// ---- Kernels

// Budget: 40 registers, 2064 bytes shared.
__global__ void __launch_bounds__(kSelectThreads) kth_largest_one_block_radix_select(KthLargestArgs a) {
  __shared__ unsigned long long counts[kBins];
  __shared__ unsigned long long wanted;  // the wanted element is this one from the top among those that are left
  __shared__ uint32_t chosen;            // bytes of it that are known, the others 0
  if (threadIdx.x == 0) wanted = static_cast<unsigned long long>(a.k), chosen = 0;
  uint32_t known = 0;  // which bits are
  for (int shift = 24; shift >= 0; shift -= 8) {
    if (threadIdx.x < kBins) counts[threadIdx.x] = 0;
    __syncthreads();
    const uint32_t prefix = chosen;
    const unsigned long long place = wanted;
    for (int64_t i = threadIdx.x; i < a.count; i += kSelectThreads) {
      const uint32_t bits = ordered_bits(__float_as_uint(a.x[i]));
      if ((bits & known) == prefix) atomicAdd(&counts[bits >> shift & 0xff], 1ull);
    }
    __syncthreads();
    sum_from_the_top(counts);
    // Exactly one bin holds the wanted place.
    const int bin = threadIdx.x;
    if (bin < kBins) {
      const unsigned long long above = bin + 1 < kBins ? counts[bin + 1] : 0;
      if (above < place && place <= counts[bin]) {
        wanted = place - above;
        chosen = prefix | static_cast<uint32_t>(bin) << shift;
      }
    }
    known |= 0xffu << shift;
    __syncthreads();
  }
  if (threadIdx.x == 0) *a.y = __uint_as_float(bits_of_ordered(chosen));
}

// Budget: 32 registers, 0 bytes shared.
__global__ void __launch_bounds__(kScaleThreads) hard_mining_scale_warp_per_row(HardMiningScaleArgs a) {
  const int64_t row = int64_t{blockIdx.x} * kRowsPerBlock + threadIdx.x / kWarpLanes;
  if (row >= a.rows || !(a.distance[row] < *a.threshold)) return;
  float* grad = a.grad + row * a.cols;
  for (int64_t c = threadIdx.x % kWarpLanes; c < a.cols; c += kWarpLanes) grad[c] *= a.factor;
}

// ---- Launchers

void kth_largest_cuda(const KthLargestArgs& a, void* cuda_stream) {
  kth_largest_one_block_radix_select<<<1, kSelectThreads, 0, static_cast<cudaStream_t>(cuda_stream)>>>(a);
  ASSAY_CUDA_CHECK_LAUNCH("kth_largest", 1, kSelectThreads);
}

void hard_mining_scale_cuda(const HardMiningScaleArgs& a, void* cuda_stream) {
  if (a.rows == 0) return;
  const dim3 grid = cuda_grid("hard_mining_scale", (a.rows + kRowsPerBlock - 1) / kRowsPerBlock);
  hard_mining_scale_warp_per_row<<<grid, kScaleThreads, 0, static_cast<cudaStream_t>(cuda_stream)>>>(a);
  ASSAY_CUDA_CHECK_LAUNCH("hard_mining_scale", grid, kScaleThreads);
}

}  // namespace assay::kernels
