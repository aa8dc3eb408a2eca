// SPDX-License-Identifier: Apache-2.0
// What CUDA kernels over cells with channels, (..., C) float32, share: the shape of their launch, and lanes of one or
// four floats. A thread owns a lane group of a cell; channels lie side by side, so that a warp reads whole sectors, and
// with few channels (maps) a block takes more cells instead of leaving threads idle.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/base/cuda_check.h"

namespace assay::kernels {

constexpr int kCellThreads = 256;       // of a block; eight warps hide the latency of a load at any occupancy
constexpr int kMaxChannelThreads = 64;  // two warps: few idle lanes at the backbones' 40 to 1024 channels

// Blocks of (channels, cells) threads for `cells` cells of `groups` lane groups each; both at least 1.
struct CellLaunch {
  dim3 grid, block;
};
inline CellLaunch cell_launch(const char* kernel, int64_t cells, int64_t groups) {
  unsigned across = 1;
  while (across < kMaxChannelThreads && across < groups) across *= 2;
  const dim3 block(across, kCellThreads / across);
  return {cuda_grid(kernel, (cells + block.y - 1) / block.y), block};
}

// Whether `channels` floats of every cell can be read as float4 from both arrays.
inline bool has_float4_cells(const float* x, const float* y, int64_t channels) {
  return channels % 4 == 0 && reinterpret_cast<uintptr_t>(x) % 16 == 0 && reinterpret_cast<uintptr_t>(y) % 16 == 0;
}

// The cell of this thread in a launch of cell_launch().
__device__ inline int64_t cell_of_thread() { return int64_t{blockIdx.x} * blockDim.y + threadIdx.y; }

// f of each lane.
template <class F>
__device__ inline float lanewise(F f, float a, float b) {
  return f(a, b);
}
template <class F>
__device__ inline float4 lanewise(F f, float4 a, float4 b) {
  return {f(a.x, b.x), f(a.y, b.y), f(a.z, b.z), f(a.w, b.w)};
}

template <class V>
__device__ V all_lanes(float value);
template <>
__device__ inline float all_lanes<float>(float value) {
  return value;
}
template <>
__device__ inline float4 all_lanes<float4>(float value) {
  return {value, value, value, value};
}

}  // namespace assay::kernels
