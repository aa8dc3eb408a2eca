// SPDX-License-Identifier: Apache-2.0
// Attention forward on CUDA: a block takes kQueries queries of one head and walks over the keys in tiles. The running
// maximum and sum of a row live in the registers of the 16 threads that share it (half a warp); the output so far is
// scaled down whenever the maximum grows. float32 on the ordinary cores: at 64 channels a tile product does 16 to 32
// multiply-adds for each 16 bytes that it reads from shared memory.
#include <cuda_runtime.h>

#include <cfloat>

#include "kernels/attention/attention.h"
#include "kernels/attention/tile_product.cuh"
#include "kernels/base/block_reduce.cuh"
#include "kernels/base/cuda_check.h"

namespace assay::kernels {

constexpr int kSide = 16;  // threads: 16 x 16

// Two sizes: heads of up to 64 channels, and of up to 128, for which the tiles shrink so that shared memory stays below
// 48 KiB, what every GPU gives a block without asking.
template <int kHeadWidth>
struct ForwardTile {
  static constexpr int kQueries = kHeadWidth == 64 ? 64 : 32;
  static constexpr int kKeys = kHeadWidth == 64 ? 32 : 16;
  static constexpr int kLd = kHeadWidth + 4;  // rows start four banks apart
  static constexpr int kLdScores = kKeys + 4;
  static constexpr int kM = kQueries / kSide;            // rows of a thread
  static constexpr int kN = kKeys / kSide;               // scores of a thread in a row
  static constexpr int kPacks = kHeadWidth / 4 / kSide;  // packs of outputs of a thread in a row
};

// ---- Device helpers

// Over the 16 threads that share rows.
__device__ inline float side_sum(float value) {
#pragma unroll
  for (int lanes = kSide / 2; lanes > 0; lanes /= 2) value += __shfl_xor_sync(kFullMask, value, lanes);
  return value;
}

__device__ inline float side_max(float value) {
#pragma unroll
  for (int lanes = kSide / 2; lanes > 0; lanes /= 2) value = fmaxf(value, __shfl_xor_sync(kFullMask, value, lanes));
  return value;
}

// A row's scores of this tile become powers, the row's state and outputs are carried along.
template <int kN, int kOutputs>
__device__ inline void absorb(float (&scores)[kN], float& maximum, float& sum, float (&out)[kOutputs]) {
  float larger = maximum;
#pragma unroll
  for (int j = 0; j < kN; ++j) larger = fmaxf(larger, scores[j]);
  larger = side_max(larger);
  const float shrink = expf(maximum - larger);
  float tile_sum = 0;
#pragma unroll
  for (int j = 0; j < kN; ++j) tile_sum += scores[j] = expf(scores[j] - larger);
  sum = sum * shrink + side_sum(tile_sum);
  maximum = larger;
#pragma unroll
  for (int j = 0; j < kOutputs; ++j) out[j] *= shrink;
}

// ---- Kernels

// Budget: 128 registers, 44032 bytes shared.
template <int kHeadWidth>
__global__ void __launch_bounds__(kSide* kSide, 2)
    attention_forward_block_per_query_tile(AttentionForwardArgs a, int64_t query_tiles, float scale) {
  using Tile = ForwardTile<kHeadWidth>;
  __shared__ __align__(16) float queries[Tile::kQueries * Tile::kLd];
  __shared__ __align__(16) float keys[Tile::kKeys * Tile::kLd];
  __shared__ __align__(16) float values[Tile::kKeys * Tile::kLd];
  __shared__ __align__(16) float powers[Tile::kQueries * Tile::kLdScores];
  constexpr int kThreads = kSide * kSide;
  const int thread = threadIdx.x, tx = thread % kSide, ty = thread / kSide;
  const int64_t head_index = blockIdx.x / query_tiles, first = blockIdx.x % query_tiles * Tile::kQueries;
  const int64_t image = head_index / a.heads, head = head_index % a.heads;
  const int width = static_cast<int>(a.head_width);
  load_tile<kThreads, Tile::kQueries, kHeadWidth, Tile::kLd>(a.q + image * a.q_strides.image + head * a.q_strides.head,
                                                             a.q_strides.token, first, a.tokens, width, thread,
                                                             queries);
  const float* k = a.k + image * a.k_strides.image + head * a.k_strides.head;
  const float* v = a.v + image * a.v_strides.image + head * a.v_strides.head;
  float out[Tile::kM][4 * Tile::kPacks], maximum[Tile::kM], sum[Tile::kM];
  set_zero(out);
#pragma unroll
  for (int i = 0; i < Tile::kM; ++i) maximum[i] = -FLT_MAX, sum[i] = 0;
  for (int64_t from = 0; from < a.tokens; from += Tile::kKeys) {
    __syncthreads();  // the last tile has been read
    load_tile<kThreads, Tile::kKeys, kHeadWidth, Tile::kLd>(k, a.k_strides.token, from, a.tokens, width, thread, keys);
    load_tile<kThreads, Tile::kKeys, kHeadWidth, Tile::kLd>(v, a.v_strides.token, from, a.tokens, width, thread,
                                                            values);
    __syncthreads();
    float scores[Tile::kM][Tile::kN];
    set_zero(scores);
    product_nt<Tile::kM, Tile::kN, kSide, kHeadWidth, Tile::kLd, Tile::kLd>(queries, keys, ty, tx, scores);
#pragma unroll
    for (int i = 0; i < Tile::kM; ++i) {
#pragma unroll
      for (int j = 0; j < Tile::kN; ++j) {
        // Keys past the end take no share.
        scores[i][j] = from + tx + kSide * j < a.tokens ? scores[i][j] * scale : -INFINITY;
      }
      absorb(scores[i], maximum[i], sum[i], out[i]);
#pragma unroll
      for (int j = 0; j < Tile::kN; ++j) powers[(ty * Tile::kM + i) * Tile::kLdScores + tx + kSide * j] = scores[i][j];
    }
    __syncthreads();
    product_nn<Tile::kM, Tile::kPacks, kSide, Tile::kKeys, Tile::kLdScores, Tile::kLd>(powers, values, ty, tx, out);
  }
#pragma unroll
  for (int i = 0; i < Tile::kM; ++i) {
    const int64_t token = first + ty * Tile::kM + i;
    if (token >= a.tokens) continue;
    float* row = a.out + image * a.out_strides.image + head * a.out_strides.head + token * a.out_strides.token;
    const float normaliser = 1 / sum[i];
#pragma unroll
    for (int j = 0; j < 4 * Tile::kPacks; ++j) {
      const int col = tx * 4 + kSide * 4 * (j / 4) + j % 4;
      if (col < width) row[col] = out[i][j] * normaliser;
    }
    if (tx == 0 && a.lse != nullptr) a.lse[head_index * a.tokens + token] = maximum[i] + logf(sum[i]);
  }
}

// ---- Launcher

template <int kHeadWidth>
void launch_forward(const AttentionForwardArgs& a, cudaStream_t stream) {
  const int64_t query_tiles = (a.tokens + ForwardTile<kHeadWidth>::kQueries - 1) / ForwardTile<kHeadWidth>::kQueries;
  const dim3 grid = cuda_grid("attention_forward", a.batch * a.heads * query_tiles);
  const float scale = 1 / sqrtf(static_cast<float>(a.head_width));
  attention_forward_block_per_query_tile<kHeadWidth><<<grid, kSide * kSide, 0, stream>>>(a, query_tiles, scale);
  ASSAY_CUDA_CHECK_LAUNCH("attention_forward", grid, kSide * kSide);
}

void attention_forward_cuda(const AttentionForwardArgs& a, void* cuda_stream) {
  if (a.batch * a.heads * a.tokens == 0) return;
  const auto stream = static_cast<cudaStream_t>(cuda_stream);
  a.head_width <= 64 ? launch_forward<64>(a, stream) : launch_forward<128>(a, stream);
}

}  // namespace assay::kernels
