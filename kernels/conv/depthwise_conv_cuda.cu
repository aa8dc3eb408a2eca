// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution on CUDA. Bound by memory: each element of x should come from memory once. A block computes
// 8 x 8 outputs of 32 channels from a tile of x in shared memory, filled by cp.async with zeros outside the grid; a
// thread carries four channels of two outputs, so that a warp's loads and stores are runs of 128 bytes. A second
// kernel, a thread per element, serves channels that are no multiple of four, unaligned pointers, and windows whose
// tile does not fit.
#include <cuda_runtime.h>

#include "kernels/base/cuda_check.h"
#include "kernels/base/tensor_core.cuh"
#include "kernels/conv/conv_activation.cuh"
#include "kernels/conv/depthwise_conv.h"

namespace assay::kernels {

constexpr int kDepthwiseThreads = 256;
constexpr int kOutputSide = 8;
constexpr int kChannelsPerBlock = 32;  // 128 bytes: a cache line a cell
constexpr int kQuads = kChannelsPerBlock / 4;
constexpr int kOutputsApart =
    kDepthwiseThreads / kQuads;            // a thread's second output is 32 after its first: 4 rows down
constexpr int64_t kMostShared = 48 << 10;  // what a block may have unasked: 5 x 5 at stride 2 fits

struct DepthwiseTile {
  int height, width;                  // of the tile of x
  int64_t down, across, channelwise;  // blocks
};

// ---- Kernels

__device__ __forceinline__ void multiply_add(const float4& x, const float4& w, float4& sum) {
  sum.x = fmaf(x.x, w.x, sum.x);
  sum.y = fmaf(x.y, w.y, sum.y);
  sum.z = fmaf(x.z, w.z, sum.z);
  sum.w = fmaf(x.w, w.w, sum.w);
}

__device__ __forceinline__ void finish_four(const DepthwiseConvArgs& a, float4 sum, int64_t image, int64_t i, int64_t j,
                                            int64_t c) {
  if (i >= a.out_height || j >= a.out_width) return;
  const int64_t at = ((image * a.out_height + i) * a.out_width + j) * a.channels + c;
  const float* bias = a.bias + c;
  float4 r = {0, 0, 0, 0};
  if (a.residual != nullptr) r = *reinterpret_cast<const float4*>(a.residual + at);
  // The cast before the offset, or nvcc takes the address for one that is aligned to a float, and stores four of these.
  reinterpret_cast<float4*>(a.y)[at / 4] =
      make_float4(activate(sum.x + bias[0] + r.x, a.activation), activate(sum.y + bias[1] + r.y, a.activation),
                  activate(sum.z + bias[2] + r.z, a.activation), activate(sum.w + bias[3] + r.w, a.activation));
}

// Budget: 64 registers, 0 bytes shared, 49152 bytes dynamic.
__global__ void __launch_bounds__(kDepthwiseThreads) depthwise_conv_shared_tile(DepthwiseConvArgs a, DepthwiseTile t) {
  extern __shared__ __align__(16) float depthwise_tile[];  // (height, width, 32)
  int64_t block = blockIdx.x;
  const int64_t first_channel = block % t.channelwise * kChannelsPerBlock;
  block /= t.channelwise;
  const int64_t first_j = block % t.across * kOutputSide;
  block /= t.across;
  const int64_t first_i = block % t.down * kOutputSide, image = block / t.down;
  const int quad = static_cast<int>(threadIdx.x) % kQuads, place = static_cast<int>(threadIdx.x) / kQuads;
  const int64_t c = first_channel + quad * 4;
  const bool has_channels = c < a.channels;

  const float* x = a.x + image * a.height * a.width * a.channels + c;
  const int64_t top = first_i * a.stride - a.pad_top, left = first_j * a.stride - a.pad_left;
  for (int cell = place; cell < t.height * t.width; cell += kOutputsApart) {
    const int64_t h = top + cell / t.width, w = left + cell % t.width;
    const bool inside = has_channels && h >= 0 && h < a.height && w >= 0 && w < a.width;
    copy_async<16>(depthwise_tile + cell * kChannelsPerBlock + quad * 4,
                   inside ? x + (h * a.width + w) * a.channels : a.x, inside ? 16 : 0);
  }
  copy_async_commit();
  copy_async_wait<0>();
  __syncthreads();
  if (!has_channels) return;  // no barrier follows

  const int kernel_height = static_cast<int>(a.kernel_height), kernel_width = static_cast<int>(a.kernel_width);
  const int stride = static_cast<int>(a.stride);
  const int i = place / kOutputSide, j = place % kOutputSide;
  constexpr int kRowsApart = kOutputsApart / kOutputSide;
  const float* first = depthwise_tile + (i * stride * t.width + j * stride) * kChannelsPerBlock + quad * 4;
  const float* second = first + kRowsApart * stride * t.width * kChannelsPerBlock;
  const float* weight = a.weight + c;
  float4 sum_first = {0, 0, 0, 0}, sum_second = {0, 0, 0, 0};
  for (int p = 0; p < kernel_height; ++p) {
    for (int q = 0; q < kernel_width; ++q, weight += a.channels) {
      const int at = (p * t.width + q) * kChannelsPerBlock;
      const float4 w = *reinterpret_cast<const float4*>(weight);
      multiply_add(*reinterpret_cast<const float4*>(first + at), w, sum_first);
      multiply_add(*reinterpret_cast<const float4*>(second + at), w, sum_second);
    }
  }
  finish_four(a, sum_first, image, first_i + i, first_j + j, c);
  finish_four(a, sum_second, image, first_i + i + kRowsApart, first_j + j, c);
}

// Budget: 64 registers, 0 bytes shared.
__global__ void __launch_bounds__(kDepthwiseThreads) depthwise_conv_thread_per_element(DepthwiseConvArgs a) {
  const int64_t count = a.batch * a.out_height * a.out_width * a.channels;
  const int64_t at = int64_t{blockIdx.x} * kDepthwiseThreads + threadIdx.x;
  if (at >= count) return;
  const int64_t c = at % a.channels, cell = at / a.channels;
  const int64_t j = cell % a.out_width, row = cell / a.out_width;
  const int64_t i = row % a.out_height, image = row / a.out_height;
  const float* x = a.x + image * a.height * a.width * a.channels + c;
  float sum = 0;
  for (int64_t p = 0; p < a.kernel_height; ++p) {
    const int64_t h = i * a.stride + p - a.pad_top;
    if (h < 0 || h >= a.height) continue;
    for (int64_t q = 0; q < a.kernel_width; ++q) {
      const int64_t w = j * a.stride + q - a.pad_left;
      if (w < 0 || w >= a.width) continue;
      sum = fmaf(x[(h * a.width + w) * a.channels], a.weight[(p * a.kernel_width + q) * a.channels + c], sum);
    }
  }
  sum += a.bias[c];
  if (a.residual != nullptr) sum += a.residual[at];
  a.y[at] = activate(sum, a.activation);
}

// ---- Launcher

void depthwise_conv_cuda(const DepthwiseConvArgs& args, void* cuda_stream) {
  const int64_t count = args.batch * args.out_height * args.out_width * args.channels;
  if (count == 0) return;
  const auto stream = static_cast<cudaStream_t>(cuda_stream);
  const dim3 block(kDepthwiseThreads);
  const auto aligned = [](const float* p) { return reinterpret_cast<uintptr_t>(p) % 16 == 0; };
  const int64_t tile_height = (kOutputSide - 1) * args.stride + args.kernel_height;
  const int64_t tile_width = (kOutputSide - 1) * args.stride + args.kernel_width;
  const bool fits = tile_height <= kMostShared && tile_width <= kMostShared &&
                    tile_height * tile_width * kChannelsPerBlock * int64_t{sizeof(float)} <= kMostShared;
  if (fits && args.channels % 4 == 0 && aligned(args.x) && aligned(args.weight) && aligned(args.residual) &&
      aligned(args.y)) {
    const DepthwiseTile tile = {
        static_cast<int>(tile_height), static_cast<int>(tile_width), (args.out_height + kOutputSide - 1) / kOutputSide,
        (args.out_width + kOutputSide - 1) / kOutputSide, (args.channels + kChannelsPerBlock - 1) / kChannelsPerBlock};
    const dim3 grid = cuda_grid("depthwise_conv", args.batch * tile.down * tile.across * tile.channelwise);
    const size_t shared_bytes = tile_height * tile_width * kChannelsPerBlock * sizeof(float);
    depthwise_conv_shared_tile<<<grid, block, shared_bytes, stream>>>(args, tile);
    ASSAY_CUDA_CHECK_LAUNCH("depthwise_conv", grid, block);
    return;
  }
  const dim3 grid = cuda_grid("depthwise_conv", (count + kDepthwiseThreads - 1) / kDepthwiseThreads);
  depthwise_conv_thread_per_element<<<grid, block, 0, stream>>>(args);
  ASSAY_CUDA_CHECK_LAUNCH("depthwise_conv", grid, block);
}

}  // namespace assay::kernels
