// SPDX-License-Identifier: Apache-2.0
// Means over windows on CUDA: a thread per lane group of an output cell sums its window in the order of the CPU
// version. Windows that overlap meet in the first-level cache.
#include <cuda_runtime.h>

#include "kernels/base/cuda_cells.cuh"
#include "kernels/pool/average_pool.h"
#include "kernels/pool/pool_window.h"

namespace assay::kernels {

// ---- Device helpers

// y = mean of x, a grid of (., width, lane groups), over rows and columns.
template <class V>
__device__ inline void mean_of_window(const V* x, int64_t width, int64_t groups, PoolSpan rows, PoolSpan columns,
                                      float divisor, V* y) {
  for (int64_t c = threadIdx.x; c < groups; c += blockDim.x) {
    V sum = all_lanes<V>(0);
    for (int64_t h = rows.begin; h < rows.end; ++h) {
      const V* cell = x + (h * width + columns.begin) * groups + c;
      for (int64_t w = columns.begin; w < columns.end; ++w, cell += groups) {
        sum = lanewise([](float p, float q) { return p + q; }, sum, *cell);
      }
    }
    y[c] = lanewise([](float p, float q) { return p / q; }, sum, all_lanes<V>(divisor));
  }
}

// ---- Kernels

// V is the lane group, float or float4; a.channels counts lane groups.
// Budget: 56 registers, 0 bytes shared.
template <class V>
__global__ void __launch_bounds__(kCellThreads) average_pool_thread_per_lanes(AveragePoolArgs a) {
  const int64_t cell = cell_of_thread();
  if (cell >= a.batch * a.out_height * a.out_width) return;
  const int64_t line = cell / a.out_width;
  const PoolSpan rows = window_span(line % a.out_height, a.height, a.window, a.stride, a.padding);
  const PoolSpan columns = window_span(cell % a.out_width, a.width, a.window, a.stride, a.padding);
  const int64_t count = a.padding_count == PaddingCount::kIncluded
                            ? a.window * a.window
                            : (rows.end - rows.begin) * (columns.end - columns.begin);
  const V* x = reinterpret_cast<const V*>(a.x) + line / a.out_height * a.height * a.width * a.channels;
  mean_of_window(x, a.width, a.channels, rows, columns, static_cast<float>(count),
                 reinterpret_cast<V*>(a.y) + cell * a.channels);
}

// Budget: 48 registers, 0 bytes shared.
template <class V>
__global__ void __launch_bounds__(kCellThreads) adaptive_average_pool_thread_per_lanes(AdaptiveAveragePoolArgs a) {
  const int64_t cell = cell_of_thread();
  if (cell >= a.batch * a.out_height * a.out_width) return;
  const int64_t line = cell / a.out_width;
  const PoolSpan rows = adaptive_span(line % a.out_height, a.height, a.out_height);
  const PoolSpan columns = adaptive_span(cell % a.out_width, a.width, a.out_width);
  const int64_t count = (rows.end - rows.begin) * (columns.end - columns.begin);
  const V* x = reinterpret_cast<const V*>(a.x) + line / a.out_height * a.height * a.width * a.channels;
  mean_of_window(x, a.width, a.channels, rows, columns, static_cast<float>(count),
                 reinterpret_cast<V*>(a.y) + cell * a.channels);
}

// ---- Launchers

template <class V, class Args>
void launch_average_pool(const char* name, Args args, cudaStream_t stream, void (*kernel)(Args)) {
  args.channels /= static_cast<int64_t>(sizeof(V) / sizeof(float));
  const CellLaunch launch = cell_launch(name, args.batch * args.out_height * args.out_width, args.channels);
  kernel<<<launch.grid, launch.block, 0, stream>>>(args);
  ASSAY_CUDA_CHECK_LAUNCH(name, launch.grid, launch.block);
}

void average_pool_cuda(const AveragePoolArgs& args, void* cuda_stream) {
  if (args.batch * args.out_height * args.out_width * args.channels == 0) return;
  const auto stream = static_cast<cudaStream_t>(cuda_stream);
  if (has_float4_cells(args.x, args.y, args.channels)) {
    launch_average_pool<float4>("average_pool", args, stream, average_pool_thread_per_lanes<float4>);
  } else {
    launch_average_pool<float>("average_pool", args, stream, average_pool_thread_per_lanes<float>);
  }
}

void adaptive_average_pool_cuda(const AdaptiveAveragePoolArgs& args, void* cuda_stream) {
  if (args.batch * args.out_height * args.out_width * args.channels == 0) return;
  const auto stream = static_cast<cudaStream_t>(cuda_stream);
  if (has_float4_cells(args.x, args.y, args.channels)) {
    launch_average_pool<float4>("adaptive_average_pool", args, stream, adaptive_average_pool_thread_per_lanes<float4>);
  } else {
    launch_average_pool<float>("adaptive_average_pool", args, stream, adaptive_average_pool_thread_per_lanes<float>);
  }
}

template __global__ void average_pool_thread_per_lanes<float>(AveragePoolArgs);
template __global__ void average_pool_thread_per_lanes<float4>(AveragePoolArgs);
template __global__ void adaptive_average_pool_thread_per_lanes<float>(AdaptiveAveragePoolArgs);
template __global__ void adaptive_average_pool_thread_per_lanes<float4>(AdaptiveAveragePoolArgs);

}  // namespace assay::kernels
