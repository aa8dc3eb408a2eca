// SPDX-License-Identifier: Apache-2.0
// Gaussian blur on CUDA in three launches: the weights, once; down the columns into the workspace; along the rows.
// A block blurs a tile. Taps are taken in chunks, so that any radius fits: a chunk needs the lines that its taps reach
// on either side of the tile, which are read once into shared memory, the border mirrored there. A pair of taps is
// added before it is weighted, so a mirrored map gives the mirrored result bit for bit.
#include <cuda_runtime.h>

#include "kernels/base/cuda_check.h"
#include "kernels/blur/gaussian_blur.h"

namespace assay::kernels {

// ---- Device helpers

// A side's mirrored continuation, which repeats after twice its length.
struct Mirror {
  int64_t length;
  double inverse_period;  // a 64-bit remainder is a function call that costs dozens of instructions and registers
};

// Index i of the mirrored continuation. The quotient is off by one at most: i stays far below 2^52.
__device__ inline int64_t mirrored_index(int64_t i, Mirror m) {
  if (i >= 0 && i < m.length) return i;
  const int64_t period = 2 * m.length;
  int64_t phase = i - static_cast<int64_t>(floor(static_cast<double>(i) * m.inverse_period)) * period;
  if (phase < 0) phase += period;
  if (phase >= period) phase -= period;
  return phase < m.length ? phase : period - 1 - phase;
}

// ---- Kernels

constexpr int kWeightThreads = 256;
constexpr int kTapsPerChunk = 16;  // the radius at sigma 4, that of anomaly maps: one chunk

constexpr int kTile = 32;        // rows and columns of a tile of the columns' pass; a warp reads whole lines
constexpr int kTileThreads = 8;  // down a tile: each thread holds the sums of four rows
constexpr int kSumsPerThread = kTile / kTileThreads;
constexpr int kTileLines = kTile + kTapsPerChunk - 1;  // what the taps of a chunk reach on one side

constexpr int kSegment = 128;  // columns of a block of the rows' pass
constexpr int kSegmentRows = 2;
constexpr int kSegmentColumns = kSegment + kTapsPerChunk - 1;

// Weights 0 .. radius, scaled so that all of both sides sum to 1. One block; the sum is a fixed tree in double.
// Budget: 64 registers, 2048 bytes shared.
__global__ void __launch_bounds__(kWeightThreads)
    gaussian_blur_weights_one_block(float* weights, int64_t radius, double sigma) {
  __shared__ double partial[kWeightThreads];
  const auto weight = [&](int64_t i) {
    const double d = static_cast<double>(i);
    return i == 0 ? 1.0 : exp(-0.5 * d * d / (sigma * sigma));  // sigma may be 0 where there is no other
  };
  double sum = 0;
  for (int64_t i = threadIdx.x; i <= radius; i += kWeightThreads) sum += (i == 0 ? 1 : 2) * weight(i);
  partial[threadIdx.x] = sum;
  for (int half = kWeightThreads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) partial[threadIdx.x] += partial[threadIdx.x + half];
  }
  __syncthreads();
  const double total = partial[0];
  for (int64_t i = threadIdx.x; i <= radius; i += kWeightThreads) weights[i] = static_cast<float>(weight(i) / total);
}

// Budget: 64 registers, 12032 bytes shared.
__global__ void __launch_bounds__(kTile* kTileThreads)
    gaussian_blur_columns_tiled(const float* x, const float* weights, float* y, Mirror rows, int64_t width,
                                int64_t radius, int64_t tiles_down, int64_t tiles_across) {
  __shared__ float above[kTileLines][kTile];  // rows top - first - kTapsPerChunk + 1 and on
  __shared__ float below[kTileLines][kTile];  // rows top + first and on
  const int64_t height = rows.length;
  const int64_t tile = blockIdx.x;
  const int64_t map = tile / tiles_across / tiles_down;
  const int64_t top = tile / tiles_across % tiles_down * kTile;
  const int64_t column = tile % tiles_across * kTile + threadIdx.x;
  const bool has_column = column < width;
  const int64_t at = map * height * width + column;  // of the map's first row
  float sum[kSumsPerThread];
#pragma unroll
  for (int k = 0; k < kSumsPerThread; ++k) {
    const int64_t row = top + threadIdx.y + k * kTileThreads;
    sum[k] = has_column && row < height ? weights[0] * x[at + row * width] : 0;
  }
  for (int64_t first = 1; first <= radius; first += kTapsPerChunk) {
    __syncthreads();  // the chunk before has been read
    for (int line = threadIdx.y; line < kTileLines; line += kTileThreads) {
      const int64_t up = mirrored_index(top + line - first - kTapsPerChunk + 1, rows);
      const int64_t down = mirrored_index(top + line + first, rows);
      above[line][threadIdx.x] = has_column ? x[at + up * width] : 0;
      below[line][threadIdx.x] = has_column ? x[at + down * width] : 0;
    }
    __syncthreads();
    const int taps = static_cast<int>(min(int64_t{kTapsPerChunk}, radius - first + 1));
    for (int t = 0; t < taps; ++t) {
      const float weight = weights[first + t];
#pragma unroll
      for (int k = 0; k < kSumsPerThread; ++k) {
        const int row = threadIdx.y + k * kTileThreads;
        sum[k] = fmaf(weight, above[row + kTapsPerChunk - 1 - t][threadIdx.x] + below[row + t][threadIdx.x], sum[k]);
      }
    }
  }
#pragma unroll
  for (int k = 0; k < kSumsPerThread; ++k) {
    const int64_t row = top + threadIdx.y + k * kTileThreads;
    if (has_column && row < height) y[at + row * width] = sum[k];
  }
}

// Budget: 48 registers, 2288 bytes shared.
__global__ void __launch_bounds__(kSegment* kSegmentRows)
    gaussian_blur_rows_tiled(const float* x, const float* weights, float* y, int64_t rows, Mirror columns,
                             int64_t radius, int64_t segments) {
  __shared__ float left[kSegmentRows][kSegmentColumns];   // columns start - first - kTapsPerChunk + 1 and on
  __shared__ float right[kSegmentRows][kSegmentColumns];  // columns start + first and on
  const int64_t width = columns.length;
  const int64_t row = blockIdx.x / segments * kSegmentRows + threadIdx.y;
  const int64_t start = blockIdx.x % segments * kSegment;
  const int64_t column = start + threadIdx.x;
  const bool has_row = row < rows;
  const bool has_pixel = has_row && column < width;
  const float* line = x + row * width;
  float sum = has_pixel ? weights[0] * line[column] : 0;
  for (int64_t first = 1; first <= radius; first += kTapsPerChunk) {
    __syncthreads();  // the chunk before has been read
    for (int i = threadIdx.x; i < kSegmentColumns; i += kSegment) {
      const int64_t before = mirrored_index(start + i - first - kTapsPerChunk + 1, columns);
      const int64_t after = mirrored_index(start + i + first, columns);
      left[threadIdx.y][i] = has_row ? line[before] : 0;
      right[threadIdx.y][i] = has_row ? line[after] : 0;
    }
    __syncthreads();
    const int taps = static_cast<int>(min(int64_t{kTapsPerChunk}, radius - first + 1));
    for (int t = 0; t < taps; ++t) {
      const float pair = left[threadIdx.y][threadIdx.x + kTapsPerChunk - 1 - t] + right[threadIdx.y][threadIdx.x + t];
      sum = fmaf(weights[first + t], pair, sum);
    }
  }
  if (has_pixel) y[row * width + column] = sum;
}

// ---- Launcher

Mirror mirror_of(int64_t length) { return {length, 1 / (2 * static_cast<double>(length))}; }

void gaussian_blur_cuda(const GaussianBlurArgs& args, void* cuda_stream) {
  const int64_t rows = args.batch * args.height;
  if (rows == 0 || args.width == 0) return;
  const auto stream = static_cast<cudaStream_t>(cuda_stream);
  const int64_t radius = gaussian_blur_radius(args.sigma);
  float* weights = args.workspace;
  float* columns = args.workspace + radius + 1;  // (B, H, W)

  const dim3 one(1), weight_block(kWeightThreads);
  gaussian_blur_weights_one_block<<<one, weight_block, 0, stream>>>(weights, radius, args.sigma);
  ASSAY_CUDA_CHECK_LAUNCH("gaussian_blur", one, weight_block);

  const int64_t tiles_down = (args.height + kTile - 1) / kTile, tiles_across = (args.width + kTile - 1) / kTile;
  const dim3 tiles = cuda_grid("gaussian_blur", args.batch * tiles_down * tiles_across);
  const dim3 tile_block(kTile, kTileThreads);
  gaussian_blur_columns_tiled<<<tiles, tile_block, 0, stream>>>(args.x, weights, columns, mirror_of(args.height),
                                                                args.width, radius, tiles_down, tiles_across);
  ASSAY_CUDA_CHECK_LAUNCH("gaussian_blur", tiles, tile_block);

  const int64_t segments = (args.width + kSegment - 1) / kSegment;
  const dim3 strips = cuda_grid("gaussian_blur", (rows + kSegmentRows - 1) / kSegmentRows * segments);
  const dim3 strip_block(kSegment, kSegmentRows);
  gaussian_blur_rows_tiled<<<strips, strip_block, 0, stream>>>(columns, weights, args.y, rows, mirror_of(args.width),
                                                               radius, segments);
  ASSAY_CUDA_CHECK_LAUNCH("gaussian_blur", strips, strip_block);
}

}  // namespace assay::kernels
