// SPDX-License-Identifier: Apache-2.0
// Nearest resize on CUDA. The source positions are a running sum, whose rounding decides ties: one thread per axis
// walks it, once for the whole batch (two microseconds for 256 outputs). Then a thread copies a byte.
#include <cuda_runtime.h>

#include "kernels/base/cuda_cells.cuh"
#include "kernels/resize/nearest_resize.h"

namespace assay::kernels {

// ---- Kernels

// Block 0 walks down the rows, block 1 along the columns.
// Budget: 32 registers, 0 bytes shared.
__global__ void __launch_bounds__(32) nearest_positions_thread_per_axis(NearestResizeArgs a) {
  if (threadIdx.x != 0) return;
  const bool down = blockIdx.x == 0;
  const int64_t in = down ? a.height : a.width, out = down ? a.out_height : a.out_width;
  int64_t* positions = a.positions + (down ? 0 : a.out_height);
  const double step = static_cast<double>(in) / static_cast<double>(out);
  double position = step * 0.5;
  for (int64_t i = 0; i < out; ++i) {
    positions[i] = min(static_cast<int64_t>(position), in - 1);
    position = __dadd_rn(position, step);  // step * 0.5 is exact, yet nothing is to be fused with it
  }
}

// Budget: 32 registers, 0 bytes shared.
__global__ void __launch_bounds__(kCellThreads) nearest_resize_thread_per_byte(NearestResizeArgs a) {
  const int64_t row = cell_of_thread();
  if (row >= a.batch * a.out_height) return;
  const int64_t source = row / a.out_height * a.height + a.positions[row % a.out_height];
  const uint8_t* x = a.x + source * a.x_stride_bytes;
  const int64_t* columns = a.positions + a.out_height;
  for (int64_t i = threadIdx.x; i < a.out_width; i += blockDim.x) a.y[row * a.out_width + i] = x[columns[i]];
}

// ---- Launcher

void nearest_resize_cuda(const NearestResizeArgs& args, void* cuda_stream) {
  if (args.batch == 0) return;
  const auto stream = static_cast<cudaStream_t>(cuda_stream);
  const dim3 axes(2), warp(32);
  nearest_positions_thread_per_axis<<<axes, warp, 0, stream>>>(args);
  ASSAY_CUDA_CHECK_LAUNCH("nearest_resize", axes, warp);
  const CellLaunch launch = cell_launch("nearest_resize", args.batch * args.out_height, args.out_width);
  nearest_resize_thread_per_byte<<<launch.grid, launch.block, 0, stream>>>(args);
  ASSAY_CUDA_CHECK_LAUNCH("nearest_resize", launch.grid, launch.block);
}

}  // namespace assay::kernels
