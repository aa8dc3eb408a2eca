// SPDX-License-Identifier: Apache-2.0
// Histogram on CUDA: blocks count in shared memory where the bins fit, and add their counts to the result once. More
// bins are counted in global memory directly: there values rarely meet.
#include <cuda_runtime.h>

#include "kernels/base/cuda_check.h"
#include "kernels/statistics/histogram.h"
#include "kernels/statistics/warp_count.cuh"

namespace assay::kernels {

constexpr int kHistogramThreads = 256;
constexpr int kSharedBins = 4096;                 // 16 KiB: eight blocks on a multiprocessor
constexpr int64_t kValuesPerThread = 32;          // before more blocks are started
constexpr int64_t kMaxHistogramBlocks = 132 * 8;  // one wave of an H100

// ---- Kernels

// A block counts fewer than 2^32 values: 16 TiB would be more in a thousand blocks.
// Budget: 40 registers, 16384 bytes shared.
__global__ void __launch_bounds__(kHistogramThreads)
    histogram_counts_in_shared_memory(HistogramArgs a, double bins_per_unit) {
  __shared__ unsigned counts[kSharedBins];
  const int bins = static_cast<int>(a.bins);
  for (int bin = threadIdx.x; bin < bins; bin += kHistogramThreads) counts[bin] = 0;
  __syncthreads();
  const int64_t stride = int64_t{gridDim.x} * kHistogramThreads;
  for (int64_t base = int64_t{blockIdx.x} * kHistogramThreads; base < a.count; base += stride) {
    const int64_t i = base + threadIdx.x;
    const int bin = i < a.count ? static_cast<int>(histogram_bin(a.x[i], a, bins_per_unit)) : -1;
    warp_count(counts, bin >= 0, bin);
  }
  __syncthreads();
  for (int bin = threadIdx.x; bin < bins; bin += kHistogramThreads) {
    if (counts[bin] > 0) {
      atomicAdd(reinterpret_cast<unsigned long long*>(a.counts + bin), static_cast<unsigned long long>(counts[bin]));
    }
  }
}

// Budget: 32 registers, 0 bytes shared.
__global__ void __launch_bounds__(kHistogramThreads)
    histogram_counts_in_global_memory(HistogramArgs a, double bins_per_unit) {
  const int64_t stride = int64_t{gridDim.x} * kHistogramThreads;
  for (int64_t i = int64_t{blockIdx.x} * kHistogramThreads + threadIdx.x; i < a.count; i += stride) {
    const int64_t bin = histogram_bin(a.x[i], a, bins_per_unit);
    if (bin >= 0) atomicAdd(reinterpret_cast<unsigned long long*>(a.counts + bin), 1ull);
  }
}

// ---- Launcher

void histogram_cuda(const HistogramArgs& args, void* cuda_stream) {
  if (args.count == 0) return;
  const int64_t per_block = kHistogramThreads * kValuesPerThread;
  const int64_t blocks = (args.count + per_block - 1) / per_block;
  const dim3 grid = cuda_grid("histogram", blocks < kMaxHistogramBlocks ? blocks : kMaxHistogramBlocks);
  const double bins_per_unit = static_cast<double>(args.bins) / (args.high - args.low);
  const auto kernel = args.bins <= kSharedBins ? histogram_counts_in_shared_memory : histogram_counts_in_global_memory;
  kernel<<<grid, kHistogramThreads, 0, static_cast<cudaStream_t>(cuda_stream)>>>(args, bins_per_unit);
  ASSAY_CUDA_CHECK_LAUNCH("histogram", grid, kHistogramThreads);
}

}  // namespace assay::kernels
