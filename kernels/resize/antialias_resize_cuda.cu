// SPDX-License-Identifier: Apache-2.0
// Antialiased resize on CUDA: the weights of both axes by a kernel, which spares a copy from the host, then a pass
// along the columns and one down the rows, as on the CPU. Weights are computed with every product rounded before it is
// added to, as a compiler without fused operations does: that, and sums of integers, gives Pillow's bits.
// A thread of the first pass owns a byte of the output, whose few taps its neighbours read too, from the first-level
// cache; one of the second owns four bytes side by side, where the rows are aligned for that.
#include <cuda_runtime.h>

#include "kernels/base/cuda_cells.cuh"
#include "kernels/resize/antialias_resize.h"
#include "kernels/resize/resize_workspace.h"
#include "kernels/resize/triangle_taps.h"

namespace assay::kernels {

// ---- Device helpers

// The triangle's value at pixel j for an output centred at `centre`.
__device__ inline double raw_tap_weight(int64_t j, double centre, double inverse) {
  const double t = __dmul_rn(static_cast<double>(j) - centre + 0.5, inverse);
  return fmax(1.0 - fabs(t), 0.0);
}

// A sum of weighted pixels as a level.
__device__ inline uint32_t level_of_sum(int32_t sum) {
  return static_cast<uint32_t>(min(max(sum >> kTapFractionBits, 0), 255));
}

constexpr int32_t kHalfLevel = 1 << (kTapFractionBits - 1);

// ---- Kernels

constexpr int kTapThreads = 64;  // a side of 256 outputs fills four blocks; the work is a fraction of a resize's

// compute_triangle_taps() of triangle_taps.cc: an output's taps by one thread, since their sum's order matters.
// Budget: 64 registers, 0 bytes shared.
__global__ void __launch_bounds__(kTapThreads)
    triangle_taps_thread_per_output(int64_t in, int64_t out, TriangleTaps taps) {
  const int64_t i = int64_t{blockIdx.x} * kTapThreads + threadIdx.x;
  if (i >= out) return;
  const double step = static_cast<double>(in) / static_cast<double>(out);
  const double half_width = fmax(step, 1.0);
  const double inverse = 1.0 / half_width;
  const double centre = __dmul_rn(static_cast<double>(i) + 0.5, step);
  const int64_t begin = max(static_cast<int64_t>(centre - half_width + 0.5), int64_t{0});
  const int64_t end = min(static_cast<int64_t>(centre + half_width + 0.5), in);
  double sum = 0;
  for (int64_t j = begin; j < end; ++j) sum += raw_tap_weight(j, centre, inverse);
  int32_t* weights = taps.weights + i * taps.stride;
  for (int64_t j = begin; j < end; ++j) {
    const double raw = raw_tap_weight(j, centre, inverse);
    const double weight = sum != 0 ? raw / sum : raw;
    weights[j - begin] = static_cast<int32_t>(0.5 + __dmul_rn(weight, 1 << kTapFractionBits));
  }
  taps.first[i] = static_cast<int32_t>(begin);
  taps.num_taps[i] = static_cast<int32_t>(end - begin);
}

// (rows, W, C) -> (rows, W2, C), the rows of all images.
// Budget: 48 registers, 0 bytes shared.
__global__ void __launch_bounds__(kCellThreads)
    antialias_columns_thread_per_byte(AntialiasResizeArgs a, TriangleTaps taps, uint8_t* y) {
  const int64_t row = cell_of_thread();
  if (row >= a.batch * a.height) return;
  const uint8_t* x = a.x + row * a.x_stride_bytes;
  const int channels = static_cast<int>(a.channels);
  const int row_bytes = static_cast<int>(a.out_width) * channels;  // within 3 * 2^20
  for (int byte = threadIdx.x; byte < row_bytes; byte += blockDim.x) {
    const int i = byte / channels;
    const uint8_t* pixel = x + taps.first[i] * channels + (byte - i * channels);
    const int32_t* weights = taps.weights + i * taps.stride;
    const int num_taps = taps.num_taps[i];
    int32_t sum = kHalfLevel;
    for (int t = 0; t < num_taps; ++t, pixel += channels) sum += weights[t] * *pixel;
    y[row * row_bytes + byte] = static_cast<uint8_t>(level_of_sum(sum));
  }
}

// (B, H, row_bytes) with x_stride bytes from row to row -> (B, H2, row_bytes).
// Budget: 40 registers, 0 bytes shared.
__global__ void __launch_bounds__(kCellThreads)
    antialias_rows_thread_per_byte(const uint8_t* x, int64_t x_stride, TriangleTaps taps, AntialiasResizeArgs a,
                                   int64_t row_bytes) {
  const int64_t row = cell_of_thread();
  if (row >= a.batch * a.out_height) return;
  const int64_t i = row % a.out_height;
  const uint8_t* rows = x + (row / a.out_height * a.height + taps.first[i]) * x_stride;
  const int32_t* weights = taps.weights + i * taps.stride;
  const int num_taps = taps.num_taps[i];
  for (int64_t byte = threadIdx.x; byte < row_bytes; byte += blockDim.x) {
    const uint8_t* pixel = rows + byte;
    int32_t sum = kHalfLevel;
    for (int t = 0; t < num_taps; ++t, pixel += x_stride) sum += weights[t] * *pixel;
    a.y[row * row_bytes + byte] = static_cast<uint8_t>(level_of_sum(sum));
  }
}

// The same where x, y, x_stride and row_bytes are multiples of four.
// Budget: 40 registers, 0 bytes shared.
__global__ void __launch_bounds__(kCellThreads)
    antialias_rows_thread_per_word(const uint8_t* x, int64_t x_stride, TriangleTaps taps, AntialiasResizeArgs a,
                                   int64_t row_bytes) {
  const int64_t row = cell_of_thread();
  if (row >= a.batch * a.out_height) return;
  const int64_t i = row % a.out_height;
  const uint8_t* rows = x + (row / a.out_height * a.height + taps.first[i]) * x_stride;
  const int32_t* weights = taps.weights + i * taps.stride;
  const int num_taps = taps.num_taps[i];
  for (int64_t byte = 4 * int64_t{threadIdx.x}; byte < row_bytes; byte += 4 * int64_t{blockDim.x}) {
    const uint8_t* word = rows + byte;
    int32_t sum0 = kHalfLevel, sum1 = kHalfLevel, sum2 = kHalfLevel, sum3 = kHalfLevel;
    for (int t = 0; t < num_taps; ++t, word += x_stride) {
      const uint32_t pixels = *reinterpret_cast<const uint32_t*>(word);
      const int32_t weight = weights[t];
      sum0 += weight * static_cast<int32_t>(pixels & 255u);
      sum1 += weight * static_cast<int32_t>(pixels >> 8 & 255u);
      sum2 += weight * static_cast<int32_t>(pixels >> 16 & 255u);
      sum3 += weight * static_cast<int32_t>(pixels >> 24);
    }
    *reinterpret_cast<uint32_t*>(a.y + row * row_bytes + byte) =
        level_of_sum(sum0) | level_of_sum(sum1) << 8 | level_of_sum(sum2) << 16 | level_of_sum(sum3) << 24;
  }
}

// Budget: 24 registers, 0 bytes shared.
__global__ void __launch_bounds__(kCellThreads)
    antialias_copy_thread_per_byte(AntialiasResizeArgs a, int64_t row_bytes) {
  const int64_t row = cell_of_thread();
  if (row >= a.batch * a.height) return;
  for (int64_t byte = threadIdx.x; byte < row_bytes; byte += blockDim.x) {
    a.y[row * row_bytes + byte] = a.x[row * a.x_stride_bytes + byte];
  }
}

// ---- Launchers

void launch_triangle_taps(int64_t in, int64_t out, const TriangleTaps& taps, cudaStream_t stream) {
  const dim3 block(kTapThreads);
  const dim3 grid = cuda_grid("antialias_resize", (out + kTapThreads - 1) / kTapThreads);
  triangle_taps_thread_per_output<<<grid, block, 0, stream>>>(in, out, taps);
  ASSAY_CUDA_CHECK_LAUNCH("antialias_resize", grid, block);
}

// Down the rows of x, which are narrowed already.
void launch_antialias_rows(const uint8_t* x, int64_t x_stride, const TriangleTaps& taps,
                           const AntialiasResizeArgs& args, cudaStream_t stream) {
  const int64_t row_bytes = args.out_width * args.channels;
  const uintptr_t places = reinterpret_cast<uintptr_t>(x) | reinterpret_cast<uintptr_t>(args.y);
  const bool words = (places | static_cast<uintptr_t>(x_stride | row_bytes)) % 4 == 0;
  const CellLaunch launch =
      cell_launch("antialias_resize", args.batch * args.out_height, words ? row_bytes / 4 : row_bytes);
  const auto kernel = words ? antialias_rows_thread_per_word : antialias_rows_thread_per_byte;
  kernel<<<launch.grid, launch.block, 0, stream>>>(x, x_stride, taps, args, row_bytes);
  ASSAY_CUDA_CHECK_LAUNCH("antialias_resize", launch.grid, launch.block);
}

void antialias_resize_cuda(const AntialiasResizeArgs& args, void* cuda_stream) {
  if (args.batch == 0) return;
  const auto stream = static_cast<cudaStream_t>(cuda_stream);
  const bool changes_width = args.out_width != args.width;
  const bool changes_height = args.out_height != args.height;
  const int64_t row_bytes = args.out_width * args.channels;
  const CellLaunch rows = cell_launch("antialias_resize", args.batch * args.height, row_bytes);
  if (!changes_width && !changes_height) {
    antialias_copy_thread_per_byte<<<rows.grid, rows.block, 0, stream>>>(args, row_bytes);
    ASSAY_CUDA_CHECK_LAUNCH("antialias_resize", rows.grid, rows.block);
    return;
  }
  WorkspacePieces pieces(args.workspace);
  const ResizeWorkspace w(args, args.batch, pieces);
  const uint8_t* narrowed = args.x;
  int64_t stride = args.x_stride_bytes;
  if (changes_width) {
    launch_triangle_taps(args.width, args.out_width, w.columns, stream);
    uint8_t* y = changes_height ? w.narrowed : args.y;
    antialias_columns_thread_per_byte<<<rows.grid, rows.block, 0, stream>>>(args, w.columns, y);
    ASSAY_CUDA_CHECK_LAUNCH("antialias_resize", rows.grid, rows.block);
    narrowed = y;
    stride = row_bytes;
  }
  if (!changes_height) return;
  launch_triangle_taps(args.height, args.out_height, w.rows, stream);
  launch_antialias_rows(narrowed, stride, w.rows, args, stream);
}

}  // namespace assay::kernels
