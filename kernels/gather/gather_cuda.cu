// SPDX-License-Identifier: Apache-2.0
// Gathers on CUDA, bound by memory: a thread per lane group of an output row. Rows are read in whole sectors; chosen
// columns ascend in what calls this, so that a warp's reads lie close together.
#include <cuda_runtime.h>

#include "kernels/base/cuda_cells.cuh"
#include "kernels/gather/gather.h"

namespace assay::kernels {

// ---- Kernels

// V is the lane group, float or float4; a.cols counts lane groups.
// Budget: 32 registers, 0 bytes shared.
template <class V>
__global__ void __launch_bounds__(kCellThreads) gather_rows_thread_per_lanes(GatherRowsArgs a) {
  const int64_t row = cell_of_thread();
  if (row >= a.rows) return;
  const int64_t from = a.index[row];
  const bool is_there = from >= 0 && from < a.x_rows;
  const V* x = reinterpret_cast<const V*>(a.x) + (is_there ? from : 0) * a.cols;
  V* y = reinterpret_cast<V*>(a.y) + row * a.cols;
  for (int64_t c = threadIdx.x; c < a.cols; c += blockDim.x) {
    y[c] = is_there ? x[c] : all_lanes<V>(__int_as_float(0x7fc00000));
  }
}

// Budget: 32 registers, 0 bytes shared.
__global__ void __launch_bounds__(kCellThreads) gather_columns_thread_per_element(GatherColumnsArgs a) {
  const int64_t row = cell_of_thread();
  if (row >= a.rows) return;
  const float* x = a.x + row * a.x_cols;
  float* y = a.y + row * a.cols;
  for (int64_t c = threadIdx.x; c < a.cols; c += blockDim.x) {
    const int64_t from = a.index[c];
    y[c] = from >= 0 && from < a.x_cols ? x[from] : __int_as_float(0x7fc00000);
  }
}

// Budget: 32 registers, 0 bytes shared.
__global__ void __launch_bounds__(kCellThreads) place_columns_thread_per_element(PlaceColumnsArgs a) {
  const int64_t row = cell_of_thread();
  if (row >= a.rows) return;
  const float* x = a.x + row * a.cols;
  float* y = a.y + row * a.y_cols + a.begin;
  for (int64_t c = threadIdx.x; c < a.cols; c += blockDim.x) y[c] = x[c];
}

// ---- Launchers

template <class V>
void launch_gather_rows(GatherRowsArgs args, cudaStream_t stream) {
  args.cols /= static_cast<int64_t>(sizeof(V) / sizeof(float));
  const CellLaunch launch = cell_launch("gather_rows", args.rows, args.cols);
  gather_rows_thread_per_lanes<V><<<launch.grid, launch.block, 0, stream>>>(args);
  ASSAY_CUDA_CHECK_LAUNCH("gather_rows", launch.grid, launch.block);
}

void gather_rows_cuda(const GatherRowsArgs& args, void* cuda_stream) {
  if (args.rows == 0 || args.cols == 0) return;
  const auto stream = static_cast<cudaStream_t>(cuda_stream);
  if (has_float4_cells(args.x, args.y, args.cols)) {
    launch_gather_rows<float4>(args, stream);
  } else {
    launch_gather_rows<float>(args, stream);
  }
}

void gather_columns_cuda(const GatherColumnsArgs& args, void* cuda_stream) {
  if (args.rows == 0 || args.cols == 0) return;
  const CellLaunch launch = cell_launch("gather_columns", args.rows, args.cols);
  gather_columns_thread_per_element<<<launch.grid, launch.block, 0, static_cast<cudaStream_t>(cuda_stream)>>>(args);
  ASSAY_CUDA_CHECK_LAUNCH("gather_columns", launch.grid, launch.block);
}

void place_columns_cuda(const PlaceColumnsArgs& args, void* cuda_stream) {
  if (args.rows == 0 || args.cols == 0) return;
  const CellLaunch launch = cell_launch("place_columns", args.rows, args.cols);
  place_columns_thread_per_element<<<launch.grid, launch.block, 0, static_cast<cudaStream_t>(cuda_stream)>>>(args);
  ASSAY_CUDA_CHECK_LAUNCH("place_columns", launch.grid, launch.block);
}

template __global__ void gather_rows_thread_per_lanes<float>(GatherRowsArgs);
template __global__ void gather_rows_thread_per_lanes<float4>(GatherRowsArgs);

}  // namespace assay::kernels
