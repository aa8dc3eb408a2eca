// SPDX-License-Identifier: Apache-2.0
// A row added to rows on CUDA, bound by memory: a thread per lane group, the offsets from the first-level cache.
#include <cuda_runtime.h>

#include "kernels/base/cuda_cells.cuh"
#include "kernels/elementwise/add_row.h"

namespace assay::kernels {

// ---- Kernels

// V is the lane group, float or float4; a.cols counts lane groups.
// Budget: 32 registers, 0 bytes shared.
template <class V>
__global__ void __launch_bounds__(kCellThreads) add_row_thread_per_lanes(AddRowArgs a) {
  const int64_t row = cell_of_thread();
  if (row >= a.rows) return;
  const V* offset = reinterpret_cast<const V*>(a.offset);
  V* y = reinterpret_cast<V*>(a.y) + row * a.cols;
  for (int64_t c = threadIdx.x; c < a.cols; c += blockDim.x) {
    y[c] = lanewise([](float p, float q) { return p + q; }, y[c], offset[c]);
  }
}

// ---- Launcher

template <class V>
void launch_add_row(AddRowArgs args, cudaStream_t stream) {
  args.cols /= static_cast<int64_t>(sizeof(V) / sizeof(float));
  const CellLaunch launch = cell_launch("add_row", args.rows, args.cols);
  add_row_thread_per_lanes<V><<<launch.grid, launch.block, 0, stream>>>(args);
  ASSAY_CUDA_CHECK_LAUNCH("add_row", launch.grid, launch.block);
}

void add_row_cuda(const AddRowArgs& args, void* cuda_stream) {
  if (args.rows == 0 || args.cols == 0) return;
  const auto stream = static_cast<cudaStream_t>(cuda_stream);
  if (has_float4_cells(args.offset, args.y, args.cols)) {
    launch_add_row<float4>(args, stream);
  } else {
    launch_add_row<float>(args, stream);
  }
}

template __global__ void add_row_thread_per_lanes<float>(AddRowArgs);
template __global__ void add_row_thread_per_lanes<float4>(AddRowArgs);

}  // namespace assay::kernels
