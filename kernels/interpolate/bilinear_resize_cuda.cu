// SPDX-License-Identifier: Apache-2.0
// Bilinear resize on CUDA: a thread per lane group of an output cell. Neighbouring outputs read the same four cells,
// which meet in the first-level cache; the traffic to memory is one read of x and one write of y.
#include <cuda_runtime.h>

#include "kernels/base/cuda_cells.cuh"
#include "kernels/interpolate/bilinear_resize.h"

namespace assay::kernels {

// ---- Device helpers

// Source cells of an output, and the weight of `high`; `low` gets the rest.
struct BilinearTap {
  int64_t low, high;
  float weight;
};

// Rounded step by step as on the CPU, where nothing is fused: both backends take the same cells. `scale` is in / out,
// divided once by the launcher.
__device__ inline BilinearTap bilinear_tap(int64_t i, int64_t in, int64_t out, double scale, PixelAlignment alignment) {
  double position = 0;
  if (alignment == PixelAlignment::kCentres) {
    position = fmax(__dadd_rn(__dmul_rn(static_cast<double>(i) + 0.5, scale), -0.5), 0.0);
  } else if (out > 1) {
    position = static_cast<double>(i) * static_cast<double>(in - 1) / static_cast<double>(out - 1);
  }
  const int64_t low = min(static_cast<int64_t>(position), in - 1);
  return {low, min(low + 1, in - 1), static_cast<float>(position - static_cast<double>(low))};
}

// ---- Kernels

// V is the lane group, float or float4; a.channels counts lane groups.
// Budget: 56 registers, 0 bytes shared.
template <class V>
__global__ void __launch_bounds__(kCellThreads)
    bilinear_resize_thread_per_lanes(BilinearResizeArgs a, double scale_down, double scale_across) {
  const int64_t cell = cell_of_thread();
  if (cell >= a.batch * a.out_height * a.out_width) return;
  const int64_t row = cell / a.out_width, column = cell % a.out_width;
  const BilinearTap down = bilinear_tap(row % a.out_height, a.height, a.out_height, scale_down, a.alignment);
  const BilinearTap across = bilinear_tap(column, a.width, a.out_width, scale_across, a.alignment);
  const V* x = reinterpret_cast<const V*>(a.x) + row / a.out_height * a.height * a.width * a.channels;
  const V* top_left = x + (down.low * a.width + across.low) * a.channels;
  const V* top_right = x + (down.low * a.width + across.high) * a.channels;
  const V* bottom_left = x + (down.high * a.width + across.low) * a.channels;
  const V* bottom_right = x + (down.high * a.width + across.high) * a.channels;
  const auto lerp_across = [&](float from, float to) { return fmaf(across.weight, to, (1 - across.weight) * from); };
  const auto lerp_down = [&](float from, float to) { return fmaf(down.weight, to, (1 - down.weight) * from); };
  V* y = reinterpret_cast<V*>(a.y) + cell * a.channels;
  for (int64_t c = threadIdx.x; c < a.channels; c += blockDim.x) {
    const V top = lanewise(lerp_across, top_left[c], top_right[c]);
    const V bottom = lanewise(lerp_across, bottom_left[c], bottom_right[c]);
    y[c] = lanewise(lerp_down, top, bottom);
  }
}

// ---- Launcher

template <class V>
void launch_bilinear_resize(BilinearResizeArgs args, cudaStream_t stream) {
  args.channels /= static_cast<int64_t>(sizeof(V) / sizeof(float));
  const CellLaunch launch =
      cell_launch("bilinear_resize", args.batch * args.out_height * args.out_width, args.channels);
  bilinear_resize_thread_per_lanes<V><<<launch.grid, launch.block, 0, stream>>>(
      args, static_cast<double>(args.height) / static_cast<double>(args.out_height),
      static_cast<double>(args.width) / static_cast<double>(args.out_width));
  ASSAY_CUDA_CHECK_LAUNCH("bilinear_resize", launch.grid, launch.block);
}

void bilinear_resize_cuda(const BilinearResizeArgs& args, void* cuda_stream) {
  if (args.batch * args.out_height * args.out_width * args.channels == 0) return;
  const auto stream = static_cast<cudaStream_t>(cuda_stream);
  if (has_float4_cells(args.x, args.y, args.channels)) {
    launch_bilinear_resize<float4>(args, stream);
  } else {
    launch_bilinear_resize<float>(args, stream);
  }
}

template __global__ void bilinear_resize_thread_per_lanes<float>(BilinearResizeArgs, double, double);
template __global__ void bilinear_resize_thread_per_lanes<float4>(BilinearResizeArgs, double, double);

}  // namespace assay::kernels
