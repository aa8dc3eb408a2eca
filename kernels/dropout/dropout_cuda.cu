// SPDX-License-Identifier: Apache-2.0
// Dropout on CUDA: a thread draws a Philox block and masks its four elements, moved as one pack where the pointers
// allow it. Some 70 integer instructions for 32 bytes: memory still is the bound.
#include <cuda_runtime.h>

#include <algorithm>

#include "kernels/base/cuda_check.h"
#include "kernels/base/pack.cuh"
#include "kernels/dropout/dropout.h"
#include "kernels/random/philox.h"

namespace assay::kernels {

constexpr int kThreads = 256;
constexpr int64_t kMostBlocks = 132 * 8 * 4;  // four waves of full occupancy on an H100; beyond that threads loop

// Both directions: y = x masked and scaled, overwriting or adding.
struct DropoutMask {
  const float* x;
  float* y;
  int64_t count;
  uint32_t threshold;
  float scale;
  uint64_t seed, stream;
  GradMode mode;
};

// ---- Kernels

// Rounded product before the sum, as on the CPU: a fused one would give other bits when accumulating.
// Budget: 40 registers, 0 bytes shared.
template <bool kPacks>
__global__ void __launch_bounds__(kThreads) dropout_mask_thread_per_philox_block(DropoutMask a) {
  const int64_t step = int64_t{gridDim.x} * kThreads;
  for (int64_t block = int64_t{blockIdx.x} * kThreads + threadIdx.x; block * 4 < a.count; block += step) {
    const PhiloxBlock words = philox_block(a.seed, a.stream, static_cast<uint64_t>(block));
    const int64_t first = block * 4;
    if (kPacks && first + 4 <= a.count) {
      const Pack<4> x = load_pack<4>(a.x + first);
      Pack<4> y;
      if (a.mode == GradMode::kAccumulate) y = load_pack<4>(a.y + first);
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const float value = words.x[i] >> 8 < a.threshold ? 0 : __fmul_rn(x.v[i], a.scale);
        y.v[i] = merged_grad(a.mode, &y.v[i], value);
      }
      store_pack<4>(a.y + first, y);
    } else {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        if (first + i >= a.count) continue;
        const float value = words.x[i] >> 8 < a.threshold ? 0 : __fmul_rn(a.x[first + i], a.scale);
        a.y[first + i] = merged_grad(a.mode, a.y + first + i, value);
      }
    }
  }
}

// ---- Launchers

void launch_mask(const char* kernel, const DropoutMask& a, void* cuda_stream) {
  if (a.count == 0) return;
  const int64_t blocks = (a.count + 4 * kThreads - 1) / (4 * kThreads);
  const dim3 grid = cuda_grid(kernel, std::min(blocks, kMostBlocks));
  const auto stream = static_cast<cudaStream_t>(cuda_stream);
  if (aligned_for_packs(a.x, a.y)) {
    dropout_mask_thread_per_philox_block<true><<<grid, kThreads, 0, stream>>>(a);
  } else {
    dropout_mask_thread_per_philox_block<false><<<grid, kThreads, 0, stream>>>(a);
  }
  ASSAY_CUDA_CHECK_LAUNCH(kernel, grid, kThreads);
}

void dropout_forward_cuda(const DropoutForwardArgs& a, void* cuda_stream) {
  launch_mask("dropout_forward",
              {a.x, a.y, a.count, dropout_threshold(a.probability), dropout_scale(a.probability), a.seed, a.stream,
               GradMode::kOverwrite},
              cuda_stream);
}

void dropout_backward_cuda(const DropoutBackwardArgs& a, void* cuda_stream) {
  if (a.grad_x == nullptr) return;
  launch_mask("dropout_backward",
              {a.grad_y, a.grad_x, a.count, dropout_threshold(a.probability), dropout_scale(a.probability), a.seed,
               a.stream, a.grad_x_mode},
              cuda_stream);
}

}  // namespace assay::kernels
