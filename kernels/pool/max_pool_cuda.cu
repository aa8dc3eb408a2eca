// SPDX-License-Identifier: Apache-2.0
// Largest values of windows on CUDA: a thread per lane group of an output cell. Windows that overlap meet in the
// first-level cache.
#include <cuda_runtime.h>

#include "kernels/base/cuda_cells.cuh"
#include "kernels/pool/max_pool.h"

namespace assay::kernels {

// ---- Kernels

// V is the lane group, float or float4; a.channels counts lane groups.
// Budget: 48 registers, 0 bytes shared.
template <class V>
__global__ void __launch_bounds__(kCellThreads) max_pool_thread_per_lanes(MaxPoolArgs a) {
  const int64_t cell = cell_of_thread();
  if (cell >= a.batch * a.out_height * a.out_width) return;
  const int64_t line = cell / a.out_width;
  const PoolSpan rows = window_span(line % a.out_height, a.height, a.window, a.stride, a.padding);
  const PoolSpan columns = window_span(cell % a.out_width, a.width, a.window, a.stride, a.padding);
  const V* x = reinterpret_cast<const V*>(a.x) + line / a.out_height * a.height * a.width * a.channels;
  V* y = reinterpret_cast<V*>(a.y) + cell * a.channels;
  for (int64_t c = threadIdx.x; c < a.channels; c += blockDim.x) {
    V largest = all_lanes<V>(-INFINITY);
    for (int64_t h = rows.begin; h < rows.end; ++h) {
      const V* at = x + (h * a.width + columns.begin) * a.channels + c;
      for (int64_t w = columns.begin; w < columns.end; ++w, at += a.channels) {
        // Once a NaN, the largest is exceeded by NaNs only.
        largest = lanewise([](float m, float v) { return v > m || isnan(v) ? v : m; }, largest, *at);
      }
    }
    y[c] = largest;
  }
}

// ---- Launcher

template <class V>
void launch_max_pool(MaxPoolArgs args, cudaStream_t stream) {
  args.channels /= static_cast<int64_t>(sizeof(V) / sizeof(float));
  const CellLaunch launch = cell_launch("max_pool", args.batch * args.out_height * args.out_width, args.channels);
  max_pool_thread_per_lanes<V><<<launch.grid, launch.block, 0, stream>>>(args);
  ASSAY_CUDA_CHECK_LAUNCH("max_pool", launch.grid, launch.block);
}

void max_pool_cuda(const MaxPoolArgs& args, void* cuda_stream) {
  if (args.batch * args.out_height * args.out_width * args.channels == 0) return;
  const auto stream = static_cast<cudaStream_t>(cuda_stream);
  if (has_float4_cells(args.x, args.y, args.channels)) {
    launch_max_pool<float4>(args, stream);
  } else {
    launch_max_pool<float>(args, stream);
  }
}

template __global__ void max_pool_thread_per_lanes<float>(MaxPoolArgs);
template __global__ void max_pool_thread_per_lanes<float4>(MaxPoolArgs);

}  // namespace assay::kernels
