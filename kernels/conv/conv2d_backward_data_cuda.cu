// SPDX-License-Identifier: Apache-2.0
// Gradient of a convolution's input on CUDA. Each phase of the cells (conv_phase.h) is a matrix product of the outputs
// that its cells meet (cells of K = taps O) and the weights of its taps (C columns), neither of which is written:
// cursors find their elements. Tiles and main loop are those of gemm_tiled (matmul/simt_tile.cuh); blocks of all phases
// make one launch.
#include <cuda_runtime.h>

#include "kernels/base/cuda_check.h"
#include "kernels/conv/conv2d_backward.h"
#include "kernels/conv/conv_phase.h"
#include "kernels/matmul/gemm_epilogue.cuh"
#include "kernels/matmul/simt_tile.cuh"

namespace assay::kernels {

// Tiles of 128 would take more registers than there are beside the state of the cursors.
constexpr int kTile = 64;

struct PhaseOperand {
  Conv2dBackwardDataArgs args;
  ConvPhase phase;
  bool vector;  // four elements of a row can be loaded as a float4
};

// Where in K: tap (u, v) and output channel o, so that nothing is divided on the way.
struct TapPlace {
  int u = 0, v = 0, o = 0;
  __device__ __forceinline__ void advance(const PhaseOperand& source, int count) {
    o += count;
    while (o >= static_cast<int>(source.args.shape.out_channels)) {
      o -= static_cast<int>(source.args.shape.out_channels);
      if (++v == source.phase.columns.taps) v = 0, ++u;
    }
  }
};

// Stands at one cell of the phase.
class MetOutputsCursor {
 public:
  static constexpr bool kAlongK = true;
  __device__ __forceinline__ MetOutputsCursor(const PhaseOperand& source, int64_t cell, int k) : source_(source) {
    const ConvPhase& phase = source.phase;
    const int64_t row = cell / phase.columns.cells, image = row / phase.rows.cells;
    grad_y_ = source.args.grad_y + image * (height() * int64_t{width()} * channels());
    // A cell beyond the last image stands above the grid, where all is zero.
    i_ = image < source.args.shape.batch ? static_cast<int>(row - image * phase.rows.cells) + phase.rows.first_output
                                         : -1;
    j_ = static_cast<int>(cell - row * phase.columns.cells) + phase.columns.first_output;
    place_.advance(source, k);
  }

  __device__ __forceinline__ float4 load() const {
    if (source_.vector) {
      return has(place_) ? *reinterpret_cast<const float4*>(at(place_)) : float4{0, 0, 0, 0};
    }
    float4 x;
    TapPlace place = place_;
    x.x = element(place);
    place.advance(source_, 1);
    x.y = element(place);
    place.advance(source_, 1);
    x.z = element(place);
    place.advance(source_, 1);
    x.w = element(place);
    return x;
  }
  __device__ __forceinline__ void advance(int count) { place_.advance(source_, count); }

 private:
  __device__ __forceinline__ int height() const { return static_cast<int>(source_.args.shape.out_height); }
  __device__ __forceinline__ int width() const { return static_cast<int>(source_.args.shape.out_width); }
  __device__ __forceinline__ int channels() const { return static_cast<int>(source_.args.shape.out_channels); }
  __device__ __forceinline__ bool has(const TapPlace& t) const {
    // Negative numbers become large ones.
    return t.u < source_.phase.rows.taps && static_cast<unsigned>(i_ - t.u) < static_cast<unsigned>(height()) &&
           static_cast<unsigned>(j_ - t.v) < static_cast<unsigned>(width());
  }
  __device__ __forceinline__ const float* at(const TapPlace& t) const {
    return grad_y_ + (int64_t{i_ - t.u} * width() + (j_ - t.v)) * channels() + t.o;
  }
  __device__ __forceinline__ float element(const TapPlace& t) const { return has(t) ? *at(t) : 0.0f; }

  const PhaseOperand& source_;
  const float* grad_y_;  // of the image
  TapPlace place_;
  int i_, j_;  // the output that tap (0, 0) meets
};

// Stands at four channels c of the input.
class TapWeightsCursor {
 public:
  static constexpr bool kAlongK = false;
  __device__ __forceinline__ TapWeightsCursor(const PhaseOperand& source, int64_t column, int k) : source_(source) {
    const ConvShape& s = source.args.shape;
    weight_ = source.args.weight + column;
    left_ = static_cast<int>(min(s.channels - column, int64_t{4}));
    place_.advance(source, k);
  }
  __device__ __forceinline__ float4 load() const {
    const ConvShape& s = source_.args.shape;
    const int stride = static_cast<int>(s.stride), columns = static_cast<int>(s.kernel_width);
    const int p = source_.phase.rows.first_tap + place_.u * stride,
              q = source_.phase.columns.first_tap + place_.v * stride;
    const int tap = (place_.o * static_cast<int>(s.kernel_height) + p) * columns + q;
    return load_four(weight_ + int64_t{tap} * static_cast<int>(s.channels),
                     place_.u < source_.phase.rows.taps ? left_ : 0, source_.vector);
  }
  __device__ __forceinline__ void advance(int count) { place_.advance(source_, count); }

 private:
  const PhaseOperand& source_;
  const float* weight_;
  TapPlace place_;
  int left_;
};

// ---- Kernels

// Budget: 112 registers, 16384 bytes shared.
__global__ void __launch_bounds__(kTileThreads, 2)
    conv2d_backward_data_implicit_gemm(Conv2dBackwardDataArgs args, int64_t tiles_per_phase, bool vector_grad,
                                       bool vector_weight) {
  __shared__ __align__(16) float shared[kTileSharedFloats];
  const ConvShape& s = args.shape;
  const int64_t phase_number = blockIdx.x / tiles_per_phase;
  const PhaseOperand grads = {args, conv_phase(s, phase_number), vector_grad};
  const PhaseOperand weights = {args, grads.phase, vector_weight};
  const ConvPhase& phase = grads.phase;
  const int64_t cells = s.batch * phase.rows.cells * phase.columns.cells;
  // Tiles in the order of the columns, which are few: blocks beside each other share the outputs they meet. A phase
  // with fewer cells than others has blocks that store nothing.
  const int64_t tile = blockIdx.x - phase_number * tiles_per_phase, tile_columns = (s.channels + kTile - 1) / kTile;
  const int64_t first_cell = tile / tile_columns * kTile, first_column = tile % tile_columns * kTile;
  // A phase without cells has nothing to divide by.
  const int64_t depth = cells > 0 ? phase.taps() * s.out_channels : 0;
  float sum[kTile / 16][kTile / 16] = {};
  if (depth > 0) {
    SliceStage<kTile, MetOutputsCursor> a(grads, first_cell);
    SliceStage<kTile, TapWeightsCursor> b(weights, first_column);
    multiply_tile<kTile>(a, b, depth, shared, sum);
  }
  for_each_element<kTile>(sum, shared, [&](int tile_row, int tile_column, float value) {
    const int64_t cell = first_cell + tile_row, column = first_column + tile_column;
    if (cell >= cells || column >= s.channels) return;
    float* to = args.grad_x + phase.place(s, cell) * s.channels + column;
    *to = merged_grad(args.mode, to, value);
  });
}

// ---- Launcher

void conv2d_backward_data_cuda(const Conv2dBackwardDataArgs& args, void* cuda_stream) {
  const ConvShape& s = args.shape;
  if (s.num_inputs() == 0) return;
  const auto stream = static_cast<cudaStream_t>(cuda_stream);
  const auto aligned = [](const float* p) { return reinterpret_cast<uintptr_t>(p) % 16 == 0; };
  const bool vector_grad = s.out_channels % 4 == 0 && aligned(args.grad_y);
  const bool vector_weight = s.channels % 4 == 0 && aligned(args.weight);
  const int64_t phases = s.stride * s.stride;
  // Of the first phase, the largest.
  const int64_t cells = s.batch * ((s.height + s.stride - 1) / s.stride) * ((s.width + s.stride - 1) / s.stride);
  const int64_t tiles = ((cells + kTile - 1) / kTile) * ((s.channels + kTile - 1) / kTile);
  const dim3 grid = cuda_grid("conv2d_backward_data", phases * tiles), block(kTileThreads);
  conv2d_backward_data_implicit_gemm<<<grid, block, 0, stream>>>(args, tiles, vector_grad, vector_weight);
  ASSAY_CUDA_CHECK_LAUNCH("conv2d_backward_data", grid, block);
}

}  // namespace assay::kernels
