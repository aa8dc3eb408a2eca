// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime.h>

#include "kernels/base/cuda_check.h"
#include "tools/bench/device_limits.h"

namespace assay::bench {

// Budget: 40 registers, 0 bytes shared.
__global__ void __launch_bounds__(kFmaLimitThreads) fma_limit_chains_in_registers(float* sink) {
  float sums[kFmaLimitChains];
#pragma unroll
  for (int c = 0; c < kFmaLimitChains; ++c) sums[c] = static_cast<float>(threadIdx.x + c);
  for (int step = 0; step < kFmaLimitSteps; ++step) {
#pragma unroll
    for (int c = 0; c < kFmaLimitChains; ++c) sums[c] = fmaf(sums[c], 0.999f, 0.5f);
  }
  float total = 0;
#pragma unroll
  for (int c = 0; c < kFmaLimitChains; ++c) total += sums[c];
  if (total == -1) *sink = total;  // never: keeps the chains alive
}

constexpr int kReadThreads = 256;

// Budget: 40 registers, 0 bytes shared.
__global__ void __launch_bounds__(kReadThreads)
    read_limit_grid_stride(const float4* memory, int64_t count, float* sink) {
  float total = 0;
  const int64_t stride = int64_t{gridDim.x} * kReadThreads;
  for (int64_t i = int64_t{blockIdx.x} * kReadThreads + threadIdx.x; i < count; i += stride) {
    const float4 v = memory[i];
    total += v.x + v.y + v.z + v.w;
  }
  if (total == -1) *sink = total;  // never
}

void launch_fma_limit(float* sink) {
  fma_limit_chains_in_registers<<<kFmaLimitBlocks, kFmaLimitThreads>>>(sink);
  ASSAY_CUDA_CHECK_LAUNCH("fma_limit", dim3(kFmaLimitBlocks), dim3(kFmaLimitThreads));
}

void launch_read_limit(const float* memory, float* sink) {
  const dim3 grid(132 * 16);
  read_limit_grid_stride<<<grid, kReadThreads>>>(reinterpret_cast<const float4*>(memory),
                                                 kReadLimitBytes / static_cast<int64_t>(sizeof(float4)), sink);
  ASSAY_CUDA_CHECK_LAUNCH("read_limit", grid, dim3(kReadThreads));
}

}  // namespace assay::bench
