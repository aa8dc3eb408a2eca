// SPDX-License-Identifier: Apache-2.0
// Neighbourhood mean on CUDA: a thread per channel of a cell, channels side by side, so that a warp reads whole sectors
// and the nine reads of neighbouring cells meet in the first-level cache. The sum runs in the order of the CPU version.
#include <cuda_runtime.h>

#include "kernels/base/cuda_check.h"
#include "kernels/pool/neighbourhood_mean.h"

namespace assay::kernels {

// ---- Kernels

constexpr int kChannelThreads = 64;  // two warps: few idle lanes at the backbone's 40 to 320 channels
constexpr int kCellsPerBlock = 4;

// Budget: 48 registers, 0 bytes shared.
__global__ void __launch_bounds__(kChannelThreads* kCellsPerBlock)
    neighbourhood_mean_thread_per_channel(NeighbourhoodMeanArgs a) {
  const int64_t cells = a.batch * a.height * a.width;
  const int64_t cell = int64_t{blockIdx.x} * kCellsPerBlock + threadIdx.y;
  if (cell >= cells) return;
  const int64_t row = cell / a.width, w = cell % a.width;
  const int64_t h = row % a.height, grid_row = row - h;
  const int64_t reach = a.window / 2;
  const int64_t top = max(h - reach, int64_t{0}), bottom = min(h + reach + 1, a.height);
  const int64_t left = max(w - reach, int64_t{0}), right = min(w + reach + 1, a.width);
  const float count = static_cast<float>((bottom - top) * (right - left));
  for (int64_t c = threadIdx.x; c < a.channels; c += kChannelThreads) {
    float sum = 0;
    for (int64_t i = top; i < bottom; ++i) {
      const float* x = a.x + ((grid_row + i) * a.width + left) * a.channels + c;
      for (int64_t j = left; j < right; ++j, x += a.channels) sum += *x;
    }
    a.y[cell * a.channels + c] = sum / count;
  }
}

// ---- Launcher

void neighbourhood_mean_cuda(const NeighbourhoodMeanArgs& args, void* cuda_stream) {
  const int64_t cells = args.batch * args.height * args.width;
  if (cells == 0 || args.channels == 0) return;
  const dim3 block(kChannelThreads, kCellsPerBlock);
  const dim3 grid = cuda_grid("neighbourhood_mean", (cells + kCellsPerBlock - 1) / kCellsPerBlock);
  neighbourhood_mean_thread_per_channel<<<grid, block, 0, static_cast<cudaStream_t>(cuda_stream)>>>(args);
  ASSAY_CUDA_CHECK_LAUNCH("neighbourhood_mean", grid, block);
}

}  // namespace assay::kernels
