// SPDX-License-Identifier: Apache-2.0
// Mahalanobis distance on CUDA: a warp per position, forward substitution in blocks of 32 columns. The 32 unknowns of a
// diagonal block lie in the lanes' registers and are passed round as they become known; the rows below then take all
// 32 columns at once, so that y in memory is touched once a block, and no load of L waits for another. Every element
// sees its columns in ascending order, as on the CPU.
#include <cuda_runtime.h>

#include "kernels/base/cuda_check.h"
#include "kernels/gaussian/mahalanobis.h"
#include "kernels/gaussian/packed_triangle.h"

namespace assay::kernels {

// ---- Kernels

constexpr int kWarp = 32;
constexpr int kPositionsPerBlock = 4;
constexpr unsigned kAllLanes = 0xffffffffu;

// Budget: 64 registers, 0 bytes shared.
__global__ void __launch_bounds__(kWarp* kPositionsPerBlock) mahalanobis_warp_per_position(MahalanobisArgs a) {
  const int64_t position = int64_t{blockIdx.x} * kPositionsPerBlock + threadIdx.y;
  if (position >= a.positions) return;  // whole warps: the shuffles below stay legal
  const int lane = threadIdx.x;
  const int64_t channels = a.channels;
  const float* x = a.x + position * channels;
  const float* mean = a.mean + position * channels;
  const float* factor = a.factor + position * packed_size(channels);
  double* y = a.workspace + position * channels;
  // Lane l owns rows l, l + 32 ... of y throughout: no other lane touches them.
  for (int64_t i = lane; i < channels; i += kWarp) y[i] = static_cast<double>(x[i]) - mean[i];
  double squared = 0;
  for (int64_t first = 0; first < channels; first += kWarp) {
    const int width = static_cast<int>(min(channels - first, int64_t{kWarp}));
    const int64_t own = first + lane;
    double unknown = own < channels ? y[own] : 0;
    const float* column = factor + packed_column(channels, first) - first;  // indexed by row
    const double diagonal = own < channels ? factor[packed_column(channels, own)] : 1;
    for (int j = 0; j < width; ++j) {
      const double known = __shfl_sync(kAllLanes, unknown / diagonal, j);
      squared = fma(known, known, squared);
      if (lane == j) {
        unknown = known;
      } else if (lane > j && own < channels) {
        unknown = fma(-known, static_cast<double>(column[own]), unknown);
      }
      column += channels - (first + j) - 1;
    }
    if (own < channels) y[own] = unknown;
    for (int64_t below = first + kWarp; below < channels; below += kWarp) {
      const int64_t row = below + lane;
      double rest = row < channels ? y[row] : 0;
      column = factor + packed_column(channels, first) - first;
      for (int j = 0; j < width; ++j) {
        const double known = __shfl_sync(kAllLanes, unknown, j);
        if (row < channels) rest = fma(-known, static_cast<double>(column[row]), rest);
        column += channels - (first + j) - 1;
      }
      if (row < channels) y[row] = rest;
    }
  }
  if (lane == 0) a.distance[position] = static_cast<float>(sqrt(squared));
}

// ---- Launcher

void mahalanobis_cuda(const MahalanobisArgs& args, void* cuda_stream) {
  if (args.positions == 0) return;
  const dim3 block(kWarp, kPositionsPerBlock);
  const dim3 grid = cuda_grid("mahalanobis", (args.positions + kPositionsPerBlock - 1) / kPositionsPerBlock);
  mahalanobis_warp_per_position<<<grid, block, 0, static_cast<cudaStream_t>(cuda_stream)>>>(args);
  ASSAY_CUDA_CHECK_LAUNCH("mahalanobis", grid, block);
}

}  // namespace assay::kernels
