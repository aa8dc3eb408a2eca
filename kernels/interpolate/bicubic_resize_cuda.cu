// SPDX-License-Identifier: Apache-2.0
// Bicubic resize on CUDA: a thread per lane group of an output cell sums its sixteen cells, most of which its
// neighbours read too, from the first-level cache.
#include <cuda_runtime.h>

#include "kernels/base/cuda_cells.cuh"
#include "kernels/interpolate/bicubic_resize.h"

namespace assay::kernels {

// ---- Device helpers

// Four source cells and their weights, as named members: an indexed array might end up in local memory.
struct DeviceCubicTaps {
  int64_t cell0, cell1, cell2, cell3;
  float weight0, weight1, weight2, weight3;
};

// Rounded as on the CPU up to the position, so that both backends take the same cells.
__device__ inline DeviceCubicTaps device_cubic_taps(int64_t i, int64_t in, double step) {
  constexpr double a = -0.75;
  const double position = __dadd_rn(__dmul_rn(static_cast<double>(i) + 0.5, step), -0.5);
  const double below = floor(position);
  const double t = position - below;
  const auto near = [](double d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };
  const auto far = [](double d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };
  const auto inside = [&](int64_t cell) { return min(max(cell, int64_t{0}), in - 1); };
  const int64_t first = static_cast<int64_t>(below) - 1;
  return {inside(first),
          inside(first + 1),
          inside(first + 2),
          inside(first + 3),
          static_cast<float>(far(t + 1)),
          static_cast<float>(near(t)),
          static_cast<float>(near(1 - t)),
          static_cast<float>(far(2 - t))};
}

// weight * x + sum in each lane.
template <class V>
__device__ inline V add_weighted(float weight, V x, V sum) {
  return lanewise([weight](float v, float s) { return fmaf(weight, v, s); }, x, sum);
}

template <class V>
__device__ inline V cubic_line(const V* row, const DeviceCubicTaps& across, int64_t channels) {
  V line = all_lanes<V>(0);
  line = add_weighted(across.weight0, row[across.cell0 * channels], line);
  line = add_weighted(across.weight1, row[across.cell1 * channels], line);
  line = add_weighted(across.weight2, row[across.cell2 * channels], line);
  return add_weighted(across.weight3, row[across.cell3 * channels], line);
}

// ---- Kernels

// V is the lane group, float or float4; a.channels counts lane groups.
// Budget: 80 registers, 0 bytes shared.
template <class V>
__global__ void __launch_bounds__(kCellThreads) bicubic_resize_thread_per_lanes(BicubicResizeArgs a) {
  const int64_t cell = cell_of_thread();
  if (cell >= a.batch * a.out_height * a.out_width) return;
  const int64_t line = cell / a.out_width;
  const DeviceCubicTaps down = device_cubic_taps(line % a.out_height, a.height, a.step_down);
  const DeviceCubicTaps across = device_cubic_taps(cell % a.out_width, a.width, a.step_across);
  const V* x = reinterpret_cast<const V*>(a.x) + line / a.out_height * a.height * a.width * a.channels;
  V* y = reinterpret_cast<V*>(a.y) + cell * a.channels;
  const int64_t row = a.width * a.channels;
  for (int64_t c = threadIdx.x; c < a.channels; c += blockDim.x) {
    V sum = all_lanes<V>(0);
    sum = add_weighted(down.weight0, cubic_line(x + down.cell0 * row + c, across, a.channels), sum);
    sum = add_weighted(down.weight1, cubic_line(x + down.cell1 * row + c, across, a.channels), sum);
    sum = add_weighted(down.weight2, cubic_line(x + down.cell2 * row + c, across, a.channels), sum);
    sum = add_weighted(down.weight3, cubic_line(x + down.cell3 * row + c, across, a.channels), sum);
    y[c] = sum;
  }
}

// ---- Launcher

template <class V>
void launch_bicubic_resize(BicubicResizeArgs args, cudaStream_t stream) {
  args.channels /= static_cast<int64_t>(sizeof(V) / sizeof(float));
  const CellLaunch launch = cell_launch("bicubic_resize", args.batch * args.out_height * args.out_width, args.channels);
  bicubic_resize_thread_per_lanes<V><<<launch.grid, launch.block, 0, stream>>>(args);
  ASSAY_CUDA_CHECK_LAUNCH("bicubic_resize", launch.grid, launch.block);
}

void bicubic_resize_cuda(const BicubicResizeArgs& args, void* cuda_stream) {
  if (args.batch * args.out_height * args.out_width * args.channels == 0) return;
  const auto stream = static_cast<cudaStream_t>(cuda_stream);
  if (has_float4_cells(args.x, args.y, args.channels)) {
    launch_bicubic_resize<float4>(args, stream);
  } else {
    launch_bicubic_resize<float>(args, stream);
  }
}

template __global__ void bicubic_resize_thread_per_lanes<float>(BicubicResizeArgs);
template __global__ void bicubic_resize_thread_per_lanes<float4>(BicubicResizeArgs);

}  // namespace assay::kernels
