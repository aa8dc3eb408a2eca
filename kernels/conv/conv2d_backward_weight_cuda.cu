// SPDX-License-Identifier: Apache-2.0
// Gradient of a convolution's weights on CUDA: a matrix product of grad_y (O rows) and the windows (KH KW C columns)
// over all cells of the output, whose windows are never written: a cursor finds each element in x. There are few
// weights and many cells, so that the cells are cut into pieces that fill the device; a second kernel adds their sums
// in order. Tiles and main loop are those of gemm_tiled (matmul/simt_tile.cuh).
#include <cuda_runtime.h>

#include "kernels/base/cuda_check.h"
#include "kernels/conv/conv2d_backward.h"
#include "kernels/matmul/gemm_epilogue.cuh"
#include "kernels/matmul/simt_tile.cuh"

namespace assay::kernels {

// Tiles of 128 would take more registers than there are beside the state of the cursors.
constexpr int kTile = 64;
constexpr int kSumThreads = 256;

struct WindowColumns {
  Conv2dBackwardWeightArgs args;
  int64_t first_cell, cells;  // of the piece
  bool vector;                // four channels can be loaded as a float4
};

// Stands at four elements of the window, side by side, and at the cell whose window it is: kept as image, row and
// column of the output so that nothing is divided on the way.
class WindowColumnCursor {
 public:
  static constexpr bool kAlongK = false;
  __device__ __forceinline__ WindowColumnCursor(const WindowColumns& source, int64_t column, int k)
      : height_(static_cast<int>(source.args.shape.height)),
        width_(static_cast<int>(source.args.shape.width)),
        channels_(static_cast<int>(source.args.shape.channels)),
        kernel_height_(static_cast<int>(source.args.shape.kernel_height)),
        kernel_width_(static_cast<int>(source.args.shape.kernel_width)),
        out_height_(static_cast<int>(source.args.shape.out_height)),
        out_width_(static_cast<int>(source.args.shape.out_width)),
        stride_(static_cast<int>(source.args.shape.stride)),
        left_(source.cells - k),
        vector_(source.vector) {
    const ConvShape& s = source.args.shape;
    const int64_t tap = column / s.channels;
    c_ = static_cast<int>(column - tap * s.channels);
    // Elements beyond the window have p = KH and more.
    p_ = static_cast<int>(tap / s.kernel_width);
    q_ = static_cast<int>(tap % s.kernel_width);
    const int64_t cell = source.first_cell + k, row = cell / s.out_width, image = row / s.out_height;
    j_ = static_cast<int>(cell - row * s.out_width);
    i_ = static_cast<int>(row - image * s.out_height);
    image_ = source.args.x + image * height_ * width_ * channels_;
    top_ = -static_cast<int>(s.pad_top);
    left_pad_ = -static_cast<int>(s.pad_left);
  }

  __device__ __forceinline__ float4 load() const {
    if (vector_) return has(p_, q_) ? *reinterpret_cast<const float4*>(at(p_, q_, c_)) : float4{0, 0, 0, 0};
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
    left_ -= count;
    j_ += count;
    while (j_ >= out_width_) {
      j_ -= out_width_;
      if (++i_ == out_height_) i_ = 0, image_ += int64_t{height_} * width_ * channels_;
    }
  }

 private:
  __device__ __forceinline__ int row(int p) const { return top_ + i_ * stride_ + p; }
  __device__ __forceinline__ int column(int q) const { return left_pad_ + j_ * stride_ + q; }
  __device__ __forceinline__ bool has(int p, int q) const {
    // Negative numbers become large ones.
    return left_ > 0 && p < kernel_height_ && static_cast<unsigned>(row(p)) < static_cast<unsigned>(height_) &&
           static_cast<unsigned>(column(q)) < static_cast<unsigned>(width_);
  }
  __device__ __forceinline__ const float* at(int p, int q, int c) const {
    return image_ + (int64_t{row(p)} * width_ + column(q)) * channels_ + c;
  }
  __device__ __forceinline__ float element(int p, int q, int c) const { return has(p, q) ? *at(p, q, c) : 0.0f; }
  __device__ __forceinline__ void step(int& p, int& q, int& c) const {
    if (++c < channels_) return;
    c = 0;
    if (++q == kernel_width_) q = 0, ++p;
  }

  const float* image_;
  int height_, width_, channels_, kernel_height_, kernel_width_, out_height_, out_width_, stride_;
  int top_, left_pad_;  // of the window of output (0, 0)
  int p_, q_, c_;       // the first of the four elements
  int i_, j_;           // of the output
  int64_t left_;        // cells of the piece
  bool vector_;
};

// ---- Kernels

// Pieces of `piece` cells.
// Budget: 120 registers, 16384 bytes shared.
__global__ void __launch_bounds__(kTileThreads, 2)
    conv2d_backward_weight_implicit_gemm(Conv2dBackwardWeightArgs args, int64_t piece, int64_t pieces, bool vector_grad,
                                         bool vector_x) {
  __shared__ __align__(16) float shared[kTileSharedFloats];
  const ConvShape& s = args.shape;
  const int64_t tile_rows = (s.out_channels + kTile - 1) / kTile, tile_columns = (s.window() + kTile - 1) / kTile;
  const TilePlace place = tile_place(blockIdx.x, tile_rows, tile_columns);  // whose matrices are the pieces
  const int64_t first_row = place.row * kTile, first_column = place.column * kTile;
  const int64_t first_cell = place.matrix * piece, cells = min(piece, s.num_cells() - first_cell);
  float sum[kTile / 16][kTile / 16] = {};
  if (cells > 0) {
    SliceStage<kTile, CursorAlongRows> a(
        TileMatrix{args.grad_y + first_cell * s.out_channels, s.out_channels, s.out_channels, cells, vector_grad},
        first_row);
    SliceStage<kTile, WindowColumnCursor> b(WindowColumns{args, first_cell, cells, vector_x}, first_column);
    multiply_tile<kTile>(a, b, cells, shared, sum);
  }
  for_each_element<kTile>(sum, shared, [&](int tile_row, int tile_column, float value) {
    const int64_t row = first_row + tile_row, column = first_column + tile_column;
    if (row >= s.out_channels || column >= s.window()) return;
    const int64_t i = row * s.window() + column;
    if (pieces > 1) {
      args.workspace[place.matrix * s.num_weights() + i] = value;
    } else {
      args.grad_weight[i] = merged_grad(args.mode, args.grad_weight + i, value);
    }
  });
}

// Budget: 40 registers, 0 bytes shared.
__global__ void __launch_bounds__(kSumThreads)
    conv2d_backward_weight_sum_of_pieces(Conv2dBackwardWeightArgs args, int64_t pieces) {
  const int64_t count = args.shape.num_weights(), i = int64_t{blockIdx.x} * kSumThreads + threadIdx.x;
  if (i >= count) return;
  double sum = 0;
  for (int64_t piece = 0; piece < pieces; ++piece) sum += args.workspace[piece * count + i];
  args.grad_weight[i] = merged_grad(args.mode, args.grad_weight + i, static_cast<float>(sum));
}

// ---- Launcher

void conv2d_backward_weight_cuda(const Conv2dBackwardWeightArgs& args, void* cuda_stream) {
  const ConvShape& s = args.shape;
  const auto stream = static_cast<cudaStream_t>(cuda_stream);
  const auto aligned = [](const float* p) { return reinterpret_cast<uintptr_t>(p) % 16 == 0; };
  const bool vector_grad = s.out_channels % 4 == 0 && aligned(args.grad_y);
  const bool vector_x = s.channels % 4 == 0 && aligned(args.x);
  const int64_t pieces = conv2d_backward_weight_pieces(s);
  const int64_t piece = (s.num_cells() + pieces - 1) / pieces;
  const int64_t tiles = ((s.out_channels + kTile - 1) / kTile) * ((s.window() + kTile - 1) / kTile);
  const dim3 grid = cuda_grid("conv2d_backward_weight", pieces * tiles), block(kTileThreads);
  conv2d_backward_weight_implicit_gemm<<<grid, block, 0, stream>>>(args, piece, pieces, vector_grad, vector_x);
  ASSAY_CUDA_CHECK_LAUNCH("conv2d_backward_weight", grid, block);
  if (pieces == 1) return;
  const dim3 sum_grid = cuda_grid("conv2d_backward_weight", (s.num_weights() + kSumThreads - 1) / kSumThreads);
  conv2d_backward_weight_sum_of_pieces<<<sum_grid, kSumThreads, 0, stream>>>(args, pieces);
  ASSAY_CUDA_CHECK_LAUNCH("conv2d_backward_weight", sum_grid, kSumThreads);
}

}  // namespace assay::kernels
