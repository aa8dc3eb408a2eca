// SPDX-License-Identifier: Apache-2.0
// Covariance on CUDA: a block per position and 32 x 32 tile of its triangle, whose elements stay in registers while the
// samples pass. Two warps follow the means of the tile's columns and rows, eight samples at a time, and leave the
// deltas in shared memory. All tiles of a position start from the same means, so a second kernel moves the means on.
// Element by element the order is that of the CPU: n ascending, one fused multiply-add each.
#include <cuda_runtime.h>

#include "kernels/base/cuda_check.h"
#include "kernels/gaussian/covariance.h"
#include "kernels/gaussian/packed_triangle.h"

namespace assay::kernels {

constexpr int kTile = 32;
constexpr int kTileWarps = 8;
constexpr int kColumnsPerWarp = kTile / kTileWarps;
constexpr int kSampleChunk = 8;  // samples between two barriers: 32 multiply-adds a thread
constexpr int kMeanThreads = 256;

// ---- Device helpers

struct TriangleTile {
  int64_t first_row, first_column;
};

// Tile t of the lower triangle of tiles, row after row of tiles: (0, 0), (1, 0), (1, 1), (2, 0) ...
__device__ __forceinline__ TriangleTile triangle_tile(int64_t t) {
  int64_t row = static_cast<int64_t>((sqrt(8.0 * static_cast<double>(t) + 1) - 1) / 2);
  while (row * (row + 1) / 2 > t) --row;  // where the root was rounded
  while ((row + 1) * (row + 2) / 2 <= t) ++row;
  return {row * kTile, (t - row * (row + 1) / 2) * kTile};
}

// Welford's step of a mean, and the delta before it.
__device__ __forceinline__ double move_mean(float x, int64_t count, double* mean) {
  const double delta = static_cast<double>(x) - *mean;
  *mean += delta / static_cast<double>(count + 1);
  return delta;
}

// ---- Kernels

// Budget: 64 registers, 4096 bytes shared.
__global__ void __launch_bounds__(kTile* kTileWarps)
    covariance_accumulate_block_per_tile(CovarianceAccumulateArgs a, int64_t tiles) {
  __shared__ double row_delta[kSampleChunk][kTile];
  __shared__ double column_scale[kSampleChunk][kTile];  // n / (n + 1) * delta
  const int lane = threadIdx.x, warp = threadIdx.y;
  const int64_t position = blockIdx.x / tiles, channels = a.channels;
  const TriangleTile tile = triangle_tile(blockIdx.x % tiles);
  double* triangle = a.comoment + position * packed_size(channels);
  const int64_t row = tile.first_row + lane;
  double sum[kColumnsPerWarp];
#pragma unroll
  for (int m = 0; m < kColumnsPerWarp; ++m) {
    const int64_t column = tile.first_column + warp + m * kTileWarps;
    const bool inside = row < channels && column <= row;
    sum[m] = inside ? triangle[packed_column(channels, column) + row - column] : 0;
  }
  // The first warp follows the means of the rows, the second those of the columns.
  const int64_t channel = warp == 0 ? row : tile.first_column + lane;
  const bool follows = warp < 2 && channel < channels;
  double mean = follows ? a.mean[position * channels + channel] : 0;
  for (int64_t first = 0; first < a.samples; first += kSampleChunk) {
    if (warp < 2) {
#pragma unroll 1
      for (int s = 0; s < kSampleChunk; ++s) {
        const int64_t n = first + s;
        double delta = 0;  // channels past the end and samples past the last add nothing
        if (follows && n < a.samples) {
          delta = move_mean(a.x[(n * a.positions + position) * channels + channel], a.count + n, &mean);
        }
        if (warp == 0) {
          row_delta[s][lane] = delta;
        } else {
          column_scale[s][lane] = static_cast<double>(a.count + n) / static_cast<double>(a.count + n + 1) * delta;
        }
      }
    }
    __syncthreads();
#pragma unroll
    for (int s = 0; s < kSampleChunk; ++s) {
#pragma unroll
      for (int m = 0; m < kColumnsPerWarp; ++m) {
        sum[m] = fma(column_scale[s][warp + m * kTileWarps], row_delta[s][lane], sum[m]);
      }
    }
    __syncthreads();
  }
#pragma unroll
  for (int m = 0; m < kColumnsPerWarp; ++m) {
    const int64_t column = tile.first_column + warp + m * kTileWarps;
    if (row < channels && column <= row) triangle[packed_column(channels, column) + row - column] = sum[m];
  }
}

// Budget: 40 registers, 0 bytes shared.
__global__ void __launch_bounds__(kMeanThreads) covariance_mean_thread_per_channel(CovarianceAccumulateArgs a) {
  const int64_t size = a.positions * a.channels;
  const int64_t i = int64_t{blockIdx.x} * kMeanThreads + threadIdx.x;
  if (i >= size) return;
  double mean = a.mean[i];
  for (int64_t n = 0; n < a.samples; ++n) move_mean(a.x[n * size + i], a.count + n, &mean);
  a.mean[i] = mean;
}

// Budget: 40 registers, 0 bytes shared.
__global__ void __launch_bounds__(kTile* kTileWarps)
    covariance_finish_warp_per_column(CovarianceFinishArgs a, double divisor) {
  const int64_t at = int64_t{blockIdx.x} * kTileWarps + threadIdx.y;
  if (at >= a.positions * a.channels) return;
  const int64_t position = at / a.channels, column = at % a.channels;
  double* elements = a.comoment + position * packed_size(a.channels) + packed_column(a.channels, column);
  for (int64_t i = threadIdx.x; i < a.channels - column; i += kTile) {
    elements[i] = elements[i] / divisor + (i == 0 ? a.regularisation : 0.0);
  }
}

// ---- Launchers

void covariance_accumulate_cuda(const CovarianceAccumulateArgs& args, void* cuda_stream) {
  if (args.positions == 0 || args.samples == 0) return;
  const cudaStream_t stream = static_cast<cudaStream_t>(cuda_stream);
  const int64_t side = (args.channels + kTile - 1) / kTile, tiles = side * (side + 1) / 2;
  const dim3 block(kTile, kTileWarps);
  const dim3 grid = cuda_grid("covariance_accumulate", args.positions * tiles);
  covariance_accumulate_block_per_tile<<<grid, block, 0, stream>>>(args, tiles);
  ASSAY_CUDA_CHECK_LAUNCH("covariance_accumulate", grid, block);
  const dim3 mean_grid =
      cuda_grid("covariance_accumulate", (args.positions * args.channels + kMeanThreads - 1) / kMeanThreads);
  covariance_mean_thread_per_channel<<<mean_grid, kMeanThreads, 0, stream>>>(args);
  ASSAY_CUDA_CHECK_LAUNCH("covariance_accumulate", mean_grid, kMeanThreads);
}

void covariance_finish_cuda(const CovarianceFinishArgs& args, void* cuda_stream) {
  if (args.positions == 0) return;
  const double divisor = args.count > 1 ? static_cast<double>(args.count - 1) : 1;  // one sample: all comoments are 0
  const dim3 block(kTile, kTileWarps);
  const dim3 grid = cuda_grid("covariance_finish", (args.positions * args.channels + kTileWarps - 1) / kTileWarps);
  covariance_finish_warp_per_column<<<grid, block, 0, static_cast<cudaStream_t>(cuda_stream)>>>(args, divisor);
  ASSAY_CUDA_CHECK_LAUNCH("covariance_finish", grid, block);
}

}  // namespace assay::kernels
