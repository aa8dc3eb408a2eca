// SPDX-License-Identifier: Apache-2.0
// Normalised rows on CUDA, one warp per row. The squares are added in double: each lane its own columns in order, then
// the lanes in a fixed tree. The row is read again to be scaled, from the first-level cache.
#include <cuda_runtime.h>

#include "kernels/base/cuda_check.h"
#include "kernels/elementwise/normalise_rows.h"

namespace assay::kernels {

// ---- Kernels

constexpr int kWarp = 32;
constexpr int kRowsPerBlock = 8;  // eight warps: enough to hide the latency of the two passes

// Budget: 32 registers, 0 bytes shared.
__global__ void __launch_bounds__(kWarp* kRowsPerBlock) normalise_rows_warp_per_row(NormaliseRowsArgs a) {
  const int64_t row = int64_t{blockIdx.x} * kRowsPerBlock + threadIdx.y;
  const bool has_row = row < a.rows;  // the same for the warp; its lanes all stay for the shuffles
  const float* x = a.x + row * a.cols;
  double square = 0;
  if (has_row) {
    for (int64_t c = threadIdx.x; c < a.cols; c += kWarp) {
      const double v = x[c];
      square += v * v;
    }
  }
#pragma unroll
  for (int lanes = kWarp / 2; lanes > 0; lanes /= 2) square += __shfl_xor_sync(0xffffffffu, square, lanes);
  if (!has_row) return;
  const double scale = square > 0 ? 1 / sqrt(square) : 1;
  float* y = a.y + row * a.y_cols + a.begin;
  for (int64_t c = threadIdx.x; c < a.cols; c += kWarp) y[c] = static_cast<float>(scale * x[c]);
}

// ---- Launcher

void normalise_rows_cuda(const NormaliseRowsArgs& args, void* cuda_stream) {
  if (args.rows == 0 || args.cols == 0) return;
  const dim3 block(kWarp, kRowsPerBlock);
  const dim3 grid = cuda_grid("normalise_rows", (args.rows + kRowsPerBlock - 1) / kRowsPerBlock);
  normalise_rows_warp_per_row<<<grid, block, 0, static_cast<cudaStream_t>(cuda_stream)>>>(args);
  ASSAY_CUDA_CHECK_LAUNCH("normalise_rows", grid, block);
}

}  // namespace assay::kernels
