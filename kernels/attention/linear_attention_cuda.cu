// SPDX-License-Identifier: Apache-2.0
// Linear attention on CUDA. Forward and backward are made of the same three products over tiles in shared memory:
//   outer    matrix = sum over tokens of phi(x) (y * scale)^T, vector = sum of phi(x) * weight     a block per head
//   apply    y = phi(x) matrix, divided by phi(x) . vector + eps where there is a vector           a block per tile
//   lift     grad_x = ((y * scale) matrix^T + weight * vector) * phi'(x)                           a block per tile
// At 64 channels all are bound by memory: 64 multiply-adds for each float that comes in. The sums over tokens of
// `outer` are a block's own, so their order is fixed.
#include <cuda_runtime.h>

#include "kernels/attention/linear_attention.h"
#include "kernels/attention/tile_product.cuh"
#include "kernels/base/block_reduce.cuh"
#include "kernels/base/cuda_check.h"

namespace assay::kernels {

constexpr int kSide = 16;  // threads: 16 x 16
constexpr int kThreads = kSide * kSide;
constexpr int kRowThreads = 256;

// Heads of up to 64 channels, and of up to 128, for which the tiles shrink so that shared memory stays below 48 KiB.
template <int kHeadWidth>
struct LinearTile {
  static constexpr int kLd = kHeadWidth + 4;                      // rows start four banks apart
  static constexpr int kSumTokens = 32;                           // tokens that `outer` takes at a time
  static constexpr int kTokens = kHeadWidth == 64 ? 64 : 32;      // tokens of a tile of `apply` and `lift`
  static constexpr int kMatrixRows = kHeadWidth == 64 ? 64 : 32;  // rows of the matrix that they hold at a time
  static constexpr int kPacks = kHeadWidth / 4 / kSide;
};

// A (B, T, NH, HD) operand.
struct HeadOperand {
  const float* data;
  AttentionStrides strides;
};

struct LinearSizes {
  int64_t batch, tokens, heads;
  int width;
};

struct LinearOuter {
  HeadOperand x, y;
  const float* scale;   // (B, NH, T)  null: 1
  const float* weight;  // (B, NH, T)  null: 1
  float* matrix;        // (B, NH, HD, HD)
  float* vector;        // (B, NH, HD)
};

struct LinearApply {
  HeadOperand x;
  const float* matrix;  // (B, NH, HD, HD)
  const float* vector;  // (B, NH, HD)  null: no division
  float* y;
  AttentionStrides y_strides;
  float eps;
  GradMode mode;
};

struct LinearLift {
  HeadOperand x, y;
  const float* scale;   // (B, NH, T)  null: 1
  const float* weight;  // (B, NH, T)  null: 1
  const float* matrix;  // (B, NH, HD, HD)
  const float* vector;  // (B, NH, HD)
  float* grad_x;        // x's strides
  GradMode mode;
};

// ---- Device helpers

__device__ inline float phi(float x) { return x > 0 ? x + 1 : expf(x); }

__device__ inline int64_t offset_of(const AttentionStrides& strides, const LinearSizes& sizes, int64_t head_index) {
  return head_index / sizes.heads * strides.image + head_index % sizes.heads * strides.head;
}

template <int kRows, int kHeadWidth>
__device__ inline void load_features(const HeadOperand& x, const LinearSizes& sizes, int64_t head_index, int64_t first,
                                     float* tile) {
  load_tile<kThreads, kRows, kHeadWidth, LinearTile<kHeadWidth>::kLd>(
      x.data + offset_of(x.strides, sizes, head_index), x.strides.token, first, sizes.tokens, sizes.width, threadIdx.x,
      tile, [](float value, int64_t) { return phi(value); });
}

template <int kRows, int kHeadWidth>
__device__ inline void load_scaled(const HeadOperand& y, const float* scale, const LinearSizes& sizes,
                                   int64_t head_index, int64_t first, float* tile) {
  const float* by = scale == nullptr ? nullptr : scale + head_index * sizes.tokens;
  load_tile<kThreads, kRows, kHeadWidth, LinearTile<kHeadWidth>::kLd>(
      y.data + offset_of(y.strides, sizes, head_index), y.strides.token, first, sizes.tokens, sizes.width, threadIdx.x,
      tile, [by](float value, int64_t token) { return by == nullptr ? value : value * by[token]; });
}

// ---- Kernels

// Budget: 128 registers, 33792 bytes shared.
template <int kHeadWidth>
__global__ void __launch_bounds__(kThreads) linear_attention_outer_block_per_head(LinearSizes sizes, LinearOuter a) {
  using Tile = LinearTile<kHeadWidth>;
  constexpr int kM = kHeadWidth / kSide;
  __shared__ __align__(16) float x[Tile::kSumTokens * Tile::kLd], y[Tile::kSumTokens * Tile::kLd];
  const int tx = threadIdx.x % kSide, ty = threadIdx.x / kSide, channel = threadIdx.x;
  const int64_t head_index = blockIdx.x;
  float matrix[kM][4 * Tile::kPacks], vector = 0;
  set_zero(matrix);
  for (int64_t from = 0; from < sizes.tokens; from += Tile::kSumTokens) {
    __syncthreads();  // the last tile has been read
    load_features<Tile::kSumTokens, kHeadWidth>(a.x, sizes, head_index, from, x);
    load_scaled<Tile::kSumTokens, kHeadWidth>(a.y, a.scale, sizes, head_index, from, y);
    __syncthreads();
    product_tn<kM, Tile::kPacks, kSide, Tile::kSumTokens, Tile::kLd, Tile::kLd>(x, y, ty, tx, matrix);
    if (channel < sizes.width) {
      for (int t = 0; t < Tile::kSumTokens && from + t < sizes.tokens; ++t) {
        const float weight = a.weight == nullptr ? 1.0f : a.weight[head_index * sizes.tokens + from + t];
        vector += x[t * Tile::kLd + channel] * weight;
      }
    }
  }
  if (channel < sizes.width) a.vector[head_index * sizes.width + channel] = vector;
#pragma unroll
  for (int i = 0; i < kM; ++i) {
    const int row = ty * kM + i;
#pragma unroll
    for (int j = 0; j < 4 * Tile::kPacks; ++j) {
      const int col = tx * 4 + kSide * 4 * (j / 4) + j % 4;
      if (row < sizes.width && col < sizes.width) {
        a.matrix[(head_index * sizes.width + row) * sizes.width + col] = matrix[i][j];
      }
    }
  }
}

// Budget: 72 registers, 34816 bytes shared.
template <int kHeadWidth>
__global__ void __launch_bounds__(kThreads)
    linear_attention_apply_block_per_token_tile(LinearSizes sizes, LinearApply a, int64_t tiles) {
  using Tile = LinearTile<kHeadWidth>;
  constexpr int kM = Tile::kTokens / kSide;
  __shared__ __align__(16) float x[Tile::kTokens * Tile::kLd], matrix[Tile::kMatrixRows * Tile::kLd];
  const int tx = threadIdx.x % kSide, ty = threadIdx.x / kSide;
  const int64_t head_index = blockIdx.x / tiles, first = blockIdx.x % tiles * Tile::kTokens;
  load_features<Tile::kTokens, kHeadWidth>(a.x, sizes, head_index, first, x);
  float sums[kM][4 * Tile::kPacks];
  set_zero(sums);
#pragma unroll 1
  for (int row = 0; row < kHeadWidth; row += Tile::kMatrixRows) {
    __syncthreads();  // the last rows have been read
    load_tile<kThreads, Tile::kMatrixRows, kHeadWidth, Tile::kLd>(a.matrix + head_index * sizes.width * sizes.width,
                                                                  sizes.width, row, sizes.width, sizes.width,
                                                                  threadIdx.x, matrix);
    __syncthreads();
    product_nn<kM, Tile::kPacks, kSide, Tile::kMatrixRows, Tile::kLd, Tile::kLd>(x + row, matrix, ty, tx, sums);
  }
#pragma unroll
  for (int i = 0; i < kM; ++i) {
    float n = 0;
    if (a.vector != nullptr) {
      const float* features = x + (ty * kM + i) * Tile::kLd;
      for (int c = tx; c < sizes.width; c += kSide) n += features[c] * a.vector[head_index * sizes.width + c];
    }
#pragma unroll
    for (int lanes = kSide / 2; lanes > 0; lanes /= 2) n += __shfl_xor_sync(kFullMask, n, lanes);
    const float scale = a.vector == nullptr ? 1.0f : 1 / (n + a.eps);
    const int64_t token = first + ty * kM + i;
    float* y = a.y + offset_of(a.y_strides, sizes, head_index) + token * a.y_strides.token;
#pragma unroll
    for (int j = 0; j < 4 * Tile::kPacks; ++j) {
      const int col = tx * 4 + kSide * 4 * (j / 4) + j % 4;
      if (token < sizes.tokens && col < sizes.width) y[col] = merged_grad(a.mode, y + col, sums[i][j] * scale);
    }
  }
}

// Budget: 96 registers, 34816 bytes shared.
template <int kHeadWidth>
__global__ void __launch_bounds__(kThreads)
    linear_attention_lift_block_per_token_tile(LinearSizes sizes, LinearLift a, int64_t tiles) {
  using Tile = LinearTile<kHeadWidth>;
  constexpr int kM = Tile::kTokens / kSide, kN = Tile::kMatrixRows / kSide;
  __shared__ __align__(16) float y[Tile::kTokens * Tile::kLd], matrix[Tile::kMatrixRows * Tile::kLd];
  const int tx = threadIdx.x % kSide, ty = threadIdx.x / kSide;
  const int64_t head_index = blockIdx.x / tiles, first = blockIdx.x % tiles * Tile::kTokens;
  load_scaled<Tile::kTokens, kHeadWidth>(a.y, a.scale, sizes, head_index, first, y);
  const int64_t offset = offset_of(a.x.strides, sizes, head_index);
#pragma unroll 1
  for (int row = 0; row < kHeadWidth; row += Tile::kMatrixRows) {
    __syncthreads();  // the last rows have been read
    load_tile<kThreads, Tile::kMatrixRows, kHeadWidth, Tile::kLd>(a.matrix + head_index * sizes.width * sizes.width,
                                                                  sizes.width, row, sizes.width, sizes.width,
                                                                  threadIdx.x, matrix);
    __syncthreads();
    float sums[kM][kN];
    set_zero(sums);
    product_nt<kM, kN, kSide, kHeadWidth, Tile::kLd, Tile::kLd>(y, matrix, ty, tx, sums);
#pragma unroll
    for (int i = 0; i < kM; ++i) {
      const int64_t token = first + ty * kM + i;
      if (token >= sizes.tokens) continue;
      const float weight = a.weight == nullptr ? 1.0f : a.weight[head_index * sizes.tokens + token];
#pragma unroll
      for (int j = 0; j < kN; ++j) {
        const int channel = row + tx + kSide * j;
        if (channel >= sizes.width) continue;
        const int64_t place = offset + token * a.x.strides.token + channel;
        const float slope = a.x.data[place] > 0 ? 1 : expf(a.x.data[place]);
        const float sum = fmaf(weight, a.vector[head_index * sizes.width + channel], sums[i][j]);
        a.grad_x[place] = merged_grad(a.mode, a.grad_x + place, sum * slope);
      }
    }
  }
}

// 1 / n and m of each image, head and token: (B, NH, T) each.
// Budget: 48 registers, 0 bytes shared.
__global__ void __launch_bounds__(kRowThreads)
    linear_attention_backward_rows_warp_per_row(LinearAttentionBackwardArgs a, float* reciprocal, float* m) {
  const int64_t row = int64_t{blockIdx.x} * (kRowThreads / kWarpLanes) + threadIdx.x / kWarpLanes;
  if (row >= a.batch * a.heads * a.tokens) return;  // the same for all lanes of a warp, so the shuffles stay legal
  const int64_t token = row % a.tokens, index = row / a.tokens, head = index % a.heads, image = index / a.heads;
  const float* q = a.q + image * a.q_strides.image + head * a.q_strides.head + token * a.q_strides.token;
  const int64_t at = image * a.out_strides.image + head * a.out_strides.head + token * a.out_strides.token;
  float n = 0, projection = 0;
  for (int64_t c = threadIdx.x % kWarpLanes; c < a.head_width; c += kWarpLanes) {
    n += phi(q[c]) * a.k_sum[index * a.head_width + c];
    projection += a.grad_out[at + c] * a.out[at + c];
  }
  n = warp_sum(n) + a.eps;
  projection = warp_sum(projection);
  if (threadIdx.x % kWarpLanes != 0) return;
  reciprocal[row] = 1 / n;
  m[row] = -projection / n;
}

// ---- Launchers

template <int kHeadWidth>
void launch_outer(const char* kernel, const LinearSizes& sizes, const LinearOuter& a, cudaStream_t stream) {
  const dim3 grid = cuda_grid(kernel, sizes.batch * sizes.heads);
  linear_attention_outer_block_per_head<kHeadWidth><<<grid, kThreads, 0, stream>>>(sizes, a);
  ASSAY_CUDA_CHECK_LAUNCH(kernel, grid, kThreads);
}

template <int kHeadWidth>
int64_t tiles_of(const LinearSizes& sizes) {
  return (sizes.tokens + LinearTile<kHeadWidth>::kTokens - 1) / LinearTile<kHeadWidth>::kTokens;
}

template <int kHeadWidth>
void launch_apply(const char* kernel, const LinearSizes& sizes, const LinearApply& a, cudaStream_t stream) {
  const int64_t tiles = tiles_of<kHeadWidth>(sizes);
  const dim3 grid = cuda_grid(kernel, sizes.batch * sizes.heads * tiles);
  linear_attention_apply_block_per_token_tile<kHeadWidth><<<grid, kThreads, 0, stream>>>(sizes, a, tiles);
  ASSAY_CUDA_CHECK_LAUNCH(kernel, grid, kThreads);
}

template <int kHeadWidth>
void launch_lift(const char* kernel, const LinearSizes& sizes, const LinearLift& a, cudaStream_t stream) {
  const int64_t tiles = tiles_of<kHeadWidth>(sizes);
  const dim3 grid = cuda_grid(kernel, sizes.batch * sizes.heads * tiles);
  linear_attention_lift_block_per_token_tile<kHeadWidth><<<grid, kThreads, 0, stream>>>(sizes, a, tiles);
  ASSAY_CUDA_CHECK_LAUNCH(kernel, grid, kThreads);
}

template <int kHeadWidth>
void launch_forward(const LinearAttentionForwardArgs& a, const LinearSizes& sizes, cudaStream_t stream) {
  const char* kernel = "linear_attention_forward";
  launch_outer<kHeadWidth>(kernel, sizes, {{a.k, a.k_strides}, {a.v, a.v_strides}, nullptr, nullptr, a.kv, a.k_sum},
                           stream);
  if (sizes.tokens == 0) return;
  launch_apply<kHeadWidth>(
      kernel, sizes, {{a.q, a.q_strides}, a.kv, a.k_sum, a.out, a.out_strides, a.eps, GradMode::kOverwrite}, stream);
}

template <int kHeadWidth>
void launch_backward(const LinearAttentionBackwardArgs& a, const LinearSizes& sizes, cudaStream_t stream) {
  const char* kernel = "linear_attention_backward";
  const int64_t rows = a.batch * a.heads * a.tokens, matrices = a.batch * a.heads * a.head_width * a.head_width;
  float *reciprocal = a.workspace, *m = reciprocal + rows, *grad_kv = m + rows, *grad_k_sum = grad_kv + matrices;
  constexpr int64_t kRows = kRowThreads / kWarpLanes;
  const dim3 grid = cuda_grid(kernel, (rows + kRows - 1) / kRows);
  linear_attention_backward_rows_warp_per_row<<<grid, kRowThreads, 0, stream>>>(a, reciprocal, m);
  ASSAY_CUDA_CHECK_LAUNCH(kernel, grid, kRowThreads);
  const HeadOperand q = {a.q, a.q_strides}, k = {a.k, a.k_strides}, v = {a.v, a.v_strides};
  const HeadOperand grad_out = {a.grad_out, a.out_strides};
  if (a.grad_q != nullptr) {
    launch_lift<kHeadWidth>(kernel, sizes, {q, grad_out, reciprocal, m, a.kv, a.k_sum, a.grad_q, a.grad_q_mode},
                            stream);
  }
  if (a.grad_k == nullptr && a.grad_v == nullptr) return;
  launch_outer<kHeadWidth>(kernel, sizes, {q, grad_out, reciprocal, m, grad_kv, grad_k_sum}, stream);
  if (a.grad_k != nullptr) {
    launch_lift<kHeadWidth>(kernel, sizes, {k, v, nullptr, nullptr, grad_kv, grad_k_sum, a.grad_k, a.grad_k_mode},
                            stream);
  }
  if (a.grad_v != nullptr) {
    launch_apply<kHeadWidth>(kernel, sizes, {k, grad_kv, nullptr, a.grad_v, a.v_strides, 0, a.grad_v_mode}, stream);
  }
}

void linear_attention_forward_cuda(const LinearAttentionForwardArgs& a, void* cuda_stream) {
  if (a.batch * a.heads == 0) return;
  const LinearSizes sizes = {a.batch, a.tokens, a.heads, static_cast<int>(a.head_width)};
  const auto stream = static_cast<cudaStream_t>(cuda_stream);
  a.head_width <= 64 ? launch_forward<64>(a, sizes, stream) : launch_forward<128>(a, sizes, stream);
}

void linear_attention_backward_cuda(const LinearAttentionBackwardArgs& a, void* cuda_stream) {
  if (a.batch * a.heads * a.tokens == 0) return;
  const LinearSizes sizes = {a.batch, a.tokens, a.heads, static_cast<int>(a.head_width)};
  const auto stream = static_cast<cudaStream_t>(cuda_stream);
  a.head_width <= 64 ? launch_backward<64>(a, sizes, stream) : launch_backward<128>(a, sizes, stream);
}

}  // namespace assay::kernels
