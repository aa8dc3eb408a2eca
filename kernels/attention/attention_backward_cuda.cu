// SPDX-License-Identifier: Apache-2.0
// Attention backward on CUDA, without atomics: one kernel takes a tile of keys and walks over the queries (grad_k and
// grad_v), another takes a tile of queries and walks over the keys (grad_q). Each computes the tile's scores again;
// that is seven tile products instead of five, and in return the sums have a fixed order. Blocks are of 8 x 8 threads,
// so that a thread holds 4 x 4 scores and 4 x 8 gradients in registers and reads little from shared memory.
#include <cuda_runtime.h>

#include "kernels/attention/attention.h"
#include "kernels/attention/tile_product.cuh"
#include "kernels/base/block_reduce.cuh"
#include "kernels/base/cuda_check.h"

namespace assay::kernels {

constexpr int kSide = 8;  // threads: 8 x 8
constexpr int kThreads = kSide * kSide;
constexpr int kDeltaThreads = 256;

// Heads of up to 64 channels, and of up to 128, for which the tiles shrink so that shared memory stays below 48 KiB.
template <int kHeadWidth>
struct BackwardTile {
  static constexpr int kTokens = kHeadWidth == 64 ? 32 : 16;  // of queries, and of keys
  static constexpr int kLd = kHeadWidth + 4;                  // rows start four banks apart
  static constexpr int kLdScores = kTokens + 4;
  static constexpr int kM = kTokens / kSide;             // rows of a thread, and scores in each
  static constexpr int kPacks = kHeadWidth / 4 / kSide;  // packs of a gradient of a thread in a row
};

// One image and head: where its operands begin.
struct HeadView {
  const float *q, *k, *v, *grad_out, *lse, *delta;
};

// ---- Device helpers

__device__ inline HeadView view_of(const AttentionBackwardArgs& a, int64_t head_index) {
  const int64_t image = head_index / a.heads, head = head_index % a.heads;
  return {a.q + image * a.q_strides.image + head * a.q_strides.head,
          a.k + image * a.k_strides.image + head * a.k_strides.head,
          a.v + image * a.v_strides.image + head * a.v_strides.head,
          a.grad_out + image * a.out_strides.image + head * a.out_strides.head,
          a.lse + head_index * a.tokens,
          a.workspace + head_index * a.tokens};
}

template <int kHeadWidth>
__device__ inline void load_tokens(const AttentionBackwardArgs& a, const float* x, int64_t stride, int64_t first,
                                   float* tile) {
  using Tile = BackwardTile<kHeadWidth>;
  load_tile<kThreads, Tile::kTokens, kHeadWidth, Tile::kLd>(x, stride, first, a.tokens, static_cast<int>(a.head_width),
                                                            threadIdx.x, tile);
}

// p and ds of a tile, queries down, keys across, into shared memory. `powers` may be null. Past the end both are 0.
template <int kHeadWidth>
__device__ inline void scores_and_grads(const AttentionBackwardArgs& a, const HeadView& view, float scale,
                                        int64_t first_query, int64_t first_key, const float* queries, const float* keys,
                                        const float* values, const float* grads, float* powers, float* score_grads) {
  using Tile = BackwardTile<kHeadWidth>;
  constexpr int kM = Tile::kM;
  const int tx = threadIdx.x % kSide, ty = threadIdx.x / kSide;
  float scores[kM][kM], products[kM][kM];
  set_zero(scores);
  set_zero(products);
  product_nt<kM, kM, kSide, kHeadWidth, Tile::kLd, Tile::kLd>(queries, keys, ty, tx, scores);
  product_nt<kM, kM, kSide, kHeadWidth, Tile::kLd, Tile::kLd>(grads, values, ty, tx, products);
#pragma unroll
  for (int i = 0; i < kM; ++i) {
    const int64_t query = first_query + ty * kM + i;
    const float lse = query < a.tokens ? view.lse[query] : 0, delta = query < a.tokens ? view.delta[query] : 0;
#pragma unroll
    for (int j = 0; j < kM; ++j) {
      const bool inside = query < a.tokens && first_key + tx + kSide * j < a.tokens;
      const float p = inside ? expf(scores[i][j] * scale - lse) : 0;
      const int place = (ty * kM + i) * Tile::kLdScores + tx + kSide * j;
      if (powers != nullptr) powers[place] = p;
      score_grads[place] = p * (products[i][j] - delta);
    }
  }
}

template <int kM, int kOutputs>
__device__ inline void store_grads(const AttentionBackwardArgs& a, const AttentionStrides& strides, int64_t head_index,
                                   int64_t first, const float (&values)[kM][kOutputs], float scale, GradMode mode,
                                   float* grad) {
  const int tx = threadIdx.x % kSide, ty = threadIdx.x / kSide;
  const int64_t image = head_index / a.heads, head = head_index % a.heads;
#pragma unroll
  for (int i = 0; i < kM; ++i) {
    const int64_t token = first + ty * kM + i;
    if (token >= a.tokens) continue;
    float* row = grad + image * strides.image + head * strides.head + token * strides.token;
#pragma unroll
    for (int j = 0; j < kOutputs; ++j) {
      const int col = tx * 4 + kSide * 4 * (j / 4) + j % 4;
      if (col < a.head_width) row[col] = merged_grad(mode, row + col, values[i][j] * scale);
    }
  }
}

// ---- Kernels

// delta = grad_out . out of each image, head and token.
// Budget: 40 registers, 0 bytes shared.
__global__ void __launch_bounds__(kDeltaThreads) attention_backward_delta_warp_per_row(AttentionBackwardArgs a) {
  const int64_t row = int64_t{blockIdx.x} * (kDeltaThreads / kWarpLanes) + threadIdx.x / kWarpLanes;
  if (row >= a.batch * a.heads * a.tokens) return;  // the same for all lanes of a warp, so the shuffles stay legal
  const int64_t token = row % a.tokens, head = row / a.tokens % a.heads, image = row / a.tokens / a.heads;
  const int64_t first = image * a.out_strides.image + token * a.out_strides.token + head * a.out_strides.head;
  float sum = 0;
  for (int64_t c = threadIdx.x % kWarpLanes; c < a.head_width; c += kWarpLanes) {
    sum += a.out[first + c] * a.grad_out[first + c];
  }
  sum = warp_sum(sum);
  if (threadIdx.x % kWarpLanes == 0) a.workspace[row] = sum;
}

// Budget: 224 registers, 44032 bytes shared.
template <int kHeadWidth>
__global__ void __launch_bounds__(kThreads)
    attention_backward_grad_kv_block_per_key_tile(AttentionBackwardArgs a, int64_t tiles, float scale) {
  using Tile = BackwardTile<kHeadWidth>;
  constexpr int kTokens = Tile::kTokens, kM = Tile::kM;
  __shared__ __align__(16) float queries[kTokens * Tile::kLd], grads[kTokens * Tile::kLd];
  __shared__ __align__(16) float keys[kTokens * Tile::kLd], values[kTokens * Tile::kLd];
  __shared__ __align__(16) float powers[kTokens * Tile::kLdScores], score_grads[kTokens * Tile::kLdScores];
  const int tx = threadIdx.x % kSide, ty = threadIdx.x / kSide;
  const int64_t head_index = blockIdx.x / tiles, first = blockIdx.x % tiles * kTokens;
  const HeadView view = view_of(a, head_index);
  load_tokens<kHeadWidth>(a, view.k, a.k_strides.token, first, keys);
  load_tokens<kHeadWidth>(a, view.v, a.v_strides.token, first, values);
  float grad_k[kM][4 * Tile::kPacks], grad_v[kM][4 * Tile::kPacks];
  set_zero(grad_k);
  set_zero(grad_v);
  for (int64_t from = 0; from < a.tokens; from += kTokens) {
    __syncthreads();  // the last tile has been read
    load_tokens<kHeadWidth>(a, view.q, a.q_strides.token, from, queries);
    load_tokens<kHeadWidth>(a, view.grad_out, a.out_strides.token, from, grads);
    __syncthreads();
    scores_and_grads<kHeadWidth>(a, view, scale, from, first, queries, keys, values, grads, powers, score_grads);
    __syncthreads();
    product_tn<kM, Tile::kPacks, kSide, kTokens, Tile::kLdScores, Tile::kLd>(powers, grads, ty, tx, grad_v);
    product_tn<kM, Tile::kPacks, kSide, kTokens, Tile::kLdScores, Tile::kLd>(score_grads, queries, ty, tx, grad_k);
  }
  if (a.grad_k != nullptr) store_grads(a, a.k_strides, head_index, first, grad_k, scale, a.grad_k_mode, a.grad_k);
  if (a.grad_v != nullptr) store_grads(a, a.v_strides, head_index, first, grad_v, 1, a.grad_v_mode, a.grad_v);
}

// Budget: 192 registers, 39424 bytes shared.
template <int kHeadWidth>
__global__ void __launch_bounds__(kThreads)
    attention_backward_grad_q_block_per_query_tile(AttentionBackwardArgs a, int64_t tiles, float scale) {
  using Tile = BackwardTile<kHeadWidth>;
  constexpr int kTokens = Tile::kTokens, kM = Tile::kM;
  __shared__ __align__(16) float queries[kTokens * Tile::kLd], grads[kTokens * Tile::kLd];
  __shared__ __align__(16) float keys[kTokens * Tile::kLd], values[kTokens * Tile::kLd];
  __shared__ __align__(16) float score_grads[kTokens * Tile::kLdScores];
  const int tx = threadIdx.x % kSide, ty = threadIdx.x / kSide;
  const int64_t head_index = blockIdx.x / tiles, first = blockIdx.x % tiles * kTokens;
  const HeadView view = view_of(a, head_index);
  load_tokens<kHeadWidth>(a, view.q, a.q_strides.token, first, queries);
  load_tokens<kHeadWidth>(a, view.grad_out, a.out_strides.token, first, grads);
  float grad_q[kM][4 * Tile::kPacks];
  set_zero(grad_q);
  for (int64_t from = 0; from < a.tokens; from += kTokens) {
    __syncthreads();  // the last tile has been read
    load_tokens<kHeadWidth>(a, view.k, a.k_strides.token, from, keys);
    load_tokens<kHeadWidth>(a, view.v, a.v_strides.token, from, values);
    __syncthreads();
    scores_and_grads<kHeadWidth>(a, view, scale, first, from, queries, keys, values, grads, nullptr, score_grads);
    __syncthreads();
    product_nn<kM, Tile::kPacks, kSide, kTokens, Tile::kLdScores, Tile::kLd>(score_grads, keys, ty, tx, grad_q);
  }
  store_grads(a, a.q_strides, head_index, first, grad_q, scale, a.grad_q_mode, a.grad_q);
}

// ---- Launchers

template <int kHeadWidth>
void launch_backward(const AttentionBackwardArgs& a, cudaStream_t stream) {
  const int64_t tiles = (a.tokens + BackwardTile<kHeadWidth>::kTokens - 1) / BackwardTile<kHeadWidth>::kTokens;
  const dim3 grid = cuda_grid("attention_backward", a.batch * a.heads * tiles);
  const float scale = 1 / sqrtf(static_cast<float>(a.head_width));
  if (a.grad_k != nullptr || a.grad_v != nullptr) {
    attention_backward_grad_kv_block_per_key_tile<kHeadWidth><<<grid, kThreads, 0, stream>>>(a, tiles, scale);
    ASSAY_CUDA_CHECK_LAUNCH("attention_backward", grid, kThreads);
  }
  if (a.grad_q != nullptr) {
    attention_backward_grad_q_block_per_query_tile<kHeadWidth><<<grid, kThreads, 0, stream>>>(a, tiles, scale);
    ASSAY_CUDA_CHECK_LAUNCH("attention_backward", grid, kThreads);
  }
}

void attention_backward_cuda(const AttentionBackwardArgs& a, void* cuda_stream) {
  const int64_t rows = a.batch * a.heads * a.tokens;
  if (rows == 0) return;
  const auto stream = static_cast<cudaStream_t>(cuda_stream);
  constexpr int64_t kRows = kDeltaThreads / kWarpLanes;
  const dim3 grid = cuda_grid("attention_backward", (rows + kRows - 1) / kRows);
  attention_backward_delta_warp_per_row<<<grid, kDeltaThreads, 0, stream>>>(a);
  ASSAY_CUDA_CHECK_LAUNCH("attention_backward", grid, kDeltaThreads);
  a.head_width <= 64 ? launch_backward<64>(a, stream) : launch_backward<128>(a, stream);
}

}  // namespace assay::kernels
