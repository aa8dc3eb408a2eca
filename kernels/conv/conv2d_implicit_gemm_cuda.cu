// SPDX-License-Identifier: Apache-2.0
// Convolution on CUDA as a matrix product of windows (B OH OW rows of K = KH KW C) and weights, whose windows are never
// written: a cursor finds each element in x. Tiles and main loop are those of gemm_tiled (matmul/simt_tile.cuh).
#include <cuda_runtime.h>

#include "kernels/base/cuda_check.h"
#include "kernels/conv/conv2d.h"
#include "kernels/conv/conv_activation.cuh"
#include "kernels/matmul/gemm_epilogue.cuh"
#include "kernels/matmul/simt_tile.cuh"

namespace assay::kernels {

struct ConvWindows {
  Conv2dArgs conv;
  bool vector;  // four channels can be loaded as a float4
};

// Stands at one window and one k, kept as row, column and channel of the window so that nothing is divided on the way.
class WindowCursor {
 public:
  static constexpr bool kAlongK = true;
  __device__ __forceinline__ WindowCursor(const ConvWindows& source, int64_t row, int k)
      : height_(static_cast<int>(source.conv.height)),
        width_(static_cast<int>(source.conv.width)),
        channels_(static_cast<int>(source.conv.channels)),
        kernel_height_(static_cast<int>(source.conv.kernel_height)),
        kernel_width_(static_cast<int>(source.conv.kernel_width)),
        vector_(source.vector) {
    const Conv2dArgs& a = source.conv;
    const int64_t per_image = a.out_height * a.out_width;
    const int64_t image = row / per_image, place = row - image * per_image;
    const int64_t i = place / a.out_width, j = place - i * a.out_width;
    x_ = a.x + image * a.height * a.width * a.channels;
    // A row beyond the last image stands below the grid, where all is zero.
    top_ = image < a.batch ? static_cast<int>(i * a.stride - a.pad_top) : height_;
    left_ = static_cast<int>(j * a.stride - a.pad_left);
    advance(k);
  }

  __device__ __forceinline__ float4 load() const {
    if (vector_) return inside(p_, q_) ? *reinterpret_cast<const float4*>(at(p_, q_, c_)) : float4{0, 0, 0, 0};
    float4 v;
    int p = p_, q = q_, c = c_;
    v.x = element(p, q, c);
    step(p, q, c);
    v.y = element(p, q, c);
    step(p, q, c);
    v.z = element(p, q, c);
    step(p, q, c);
    v.w = element(p, q, c);
    return v;
  }
  __device__ __forceinline__ void advance(int count) {
    c_ += count;
    while (c_ >= channels_) {
      c_ -= channels_;
      if (++q_ == kernel_width_) q_ = 0, ++p_;
    }
  }

 private:
  __device__ __forceinline__ bool inside(int p, int q) const {
    // Negative numbers become large ones.
    return p < kernel_height_ && static_cast<unsigned>(top_ + p) < static_cast<unsigned>(height_) &&
           static_cast<unsigned>(left_ + q) < static_cast<unsigned>(width_);
  }
  __device__ __forceinline__ const float* at(int p, int q, int c) const {
    return x_ + (int64_t{top_ + p} * width_ + left_ + q) * channels_ + c;
  }
  __device__ __forceinline__ float element(int p, int q, int c) const { return inside(p, q) ? *at(p, q, c) : 0.0f; }
  __device__ __forceinline__ void step(int& p, int& q, int& c) const {
    if (++c < channels_) return;
    c = 0;
    if (++q == kernel_width_) q = 0, ++p;
  }

  const float* x_;  // the image
  int height_, width_, channels_, kernel_height_, kernel_width_;
  int top_, left_;             // of the window in the image
  int p_ = 0, q_ = 0, c_ = 0;  // where in the window: k
  bool vector_;
};

// ---- Kernels

template <int kTile>
__device__ __forceinline__ void conv2d_tile(const ConvWindows& windows, bool weight_vector, float* shared) {
  constexpr int kSide = kTile / 16;
  const Conv2dArgs& args = windows.conv;
  const int64_t rows = args.batch * args.out_height * args.out_width;
  const int64_t depth = args.kernel_height * args.kernel_width * args.channels;
  const TilePlace place = tile_place(blockIdx.x, (rows + kTile - 1) / kTile, (args.out_channels + kTile - 1) / kTile);
  const int64_t first_row = place.row * kTile, first_column = place.column * kTile;
  SliceStage<kTile, WindowCursor> a(windows, first_row);
  SliceStage<kTile, CursorAlongK> b(TileMatrix{args.weight, depth, args.out_channels, depth, weight_vector},
                                    first_column);
  float sum[kSide][kSide] = {};
  multiply_tile<kTile>(a, b, depth, shared, sum);
  for_each_element<kTile>(sum, shared, [&](int tile_row, int tile_column, float value) {
    const int64_t row = first_row + tile_row, column = first_column + tile_column;
    if (row >= rows || column >= args.out_channels) return;
    const int64_t i = row * args.out_channels + column;
    value += args.bias[column];
    if (args.residual != nullptr) value += args.residual[i];
    args.y[i] = activate(value, args.activation);
  });
}

// Budget: 128 registers, 16384 bytes shared.
__global__ void __launch_bounds__(kTileThreads, 2) conv2d_implicit_gemm_128(ConvWindows windows, bool weight_vector) {
  __shared__ __align__(16) float shared[kTileSharedFloats];
  conv2d_tile<128>(windows, weight_vector, shared);
}

// Budget: 128 registers, 16384 bytes shared.
__global__ void __launch_bounds__(kTileThreads, 2) conv2d_implicit_gemm_64(ConvWindows windows, bool weight_vector) {
  __shared__ __align__(16) float shared[kTileSharedFloats];
  conv2d_tile<64>(windows, weight_vector, shared);
}

// ---- Launcher

void conv2d_implicit_gemm_cuda(const Conv2dArgs& args, void* cuda_stream) {
  const int64_t rows = args.batch * args.out_height * args.out_width;
  if (rows == 0 || args.out_channels == 0) return;
  const auto stream = static_cast<cudaStream_t>(cuda_stream);
  const auto aligned = [](const float* p) { return reinterpret_cast<uintptr_t>(p) % 16 == 0; };
  const ConvWindows windows = {args, args.channels % 4 == 0 && aligned(args.x)};
  // Rows of weights are KH KW C apart.
  const bool weight_vector = args.kernel_height * args.kernel_width * args.channels % 4 == 0 && aligned(args.weight);
  const auto blocks = [&](int64_t tile) {
    return ((rows + tile - 1) / tile) * ((args.out_channels + tile - 1) / tile);
  };
  const dim3 block(kTileThreads);
  if (args.out_channels > 64 && blocks(128) >= kFillingBlocks) {
    const dim3 grid = cuda_grid("conv2d", blocks(128));
    conv2d_implicit_gemm_128<<<grid, block, 0, stream>>>(windows, weight_vector);
    ASSAY_CUDA_CHECK_LAUNCH("conv2d", grid, block);
  } else {
    const dim3 grid = cuda_grid("conv2d", blocks(64));
    conv2d_implicit_gemm_64<<<grid, block, 0, stream>>>(windows, weight_vector);
    ASSAY_CUDA_CHECK_LAUNCH("conv2d", grid, block);
  }
}

}  // namespace assay::kernels
