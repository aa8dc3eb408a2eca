// SPDX-License-Identifier: Apache-2.0
// Neighbourhood mean on CUDA: a thread per lane group of a cell; the nine reads of neighbouring cells meet in the
// first-level cache. The sum runs in the order of the CPU version.
#include <cuda_runtime.h>

#include "kernels/base/cuda_cells.cuh"
#include "kernels/pool/neighbourhood_mean.h"

namespace assay::kernels {

// ---- Kernels

// V is the lane group, float or float4; a.channels counts lane groups.
// Four blocks: left alone, ptxas aims at five and spills.
// Budget: 64 registers, 0 bytes shared.
template <class V>
__global__ void __launch_bounds__(kCellThreads, 4) neighbourhood_mean_thread_per_lanes(NeighbourhoodMeanArgs a) {
  const int64_t cell = cell_of_thread();
  if (cell >= a.batch * a.height * a.width) return;
  const int64_t row = cell / a.width, w = cell % a.width;
  const int64_t h = row % a.height, grid_row = row - h;
  const int64_t reach = a.window / 2;
  const int64_t top = max(h - reach, int64_t{0}), bottom = min(h + reach + 1, a.height);
  const int64_t left = max(w - reach, int64_t{0}), right = min(w + reach + 1, a.width);
  const V count = all_lanes<V>(static_cast<float>((bottom - top) * (right - left)));
  V* y = reinterpret_cast<V*>(a.y) + cell * a.channels;
  for (int64_t c = threadIdx.x; c < a.channels; c += blockDim.x) {
    V sum = all_lanes<V>(0);
    for (int64_t i = top; i < bottom; ++i) {
      const V* x = reinterpret_cast<const V*>(a.x) + ((grid_row + i) * a.width + left) * a.channels + c;
      for (int64_t j = left; j < right; ++j, x += a.channels) {
        sum = lanewise([](float p, float q) { return p + q; }, sum, *x);
      }
    }
    y[c] = lanewise([](float p, float q) { return p / q; }, sum, count);
  }
}

// ---- Launcher

template <class V>
void launch_neighbourhood_mean(NeighbourhoodMeanArgs args, cudaStream_t stream) {
  args.channels /= static_cast<int64_t>(sizeof(V) / sizeof(float));
  const CellLaunch launch = cell_launch("neighbourhood_mean", args.batch * args.height * args.width, args.channels);
  neighbourhood_mean_thread_per_lanes<V><<<launch.grid, launch.block, 0, stream>>>(args);
  ASSAY_CUDA_CHECK_LAUNCH("neighbourhood_mean", launch.grid, launch.block);
}

void neighbourhood_mean_cuda(const NeighbourhoodMeanArgs& args, void* cuda_stream) {
  if (args.batch * args.height * args.width * args.channels == 0) return;
  const auto stream = static_cast<cudaStream_t>(cuda_stream);
  if (has_float4_cells(args.x, args.y, args.channels)) {
    launch_neighbourhood_mean<float4>(args, stream);
  } else {
    launch_neighbourhood_mean<float>(args, stream);
  }
}

template __global__ void neighbourhood_mean_thread_per_lanes<float>(NeighbourhoodMeanArgs);
template __global__ void neighbourhood_mean_thread_per_lanes<float4>(NeighbourhoodMeanArgs);

}  // namespace assay::kernels
