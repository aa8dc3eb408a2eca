// SPDX-License-Identifier: Apache-2.0
// Cosine distance on CUDA. Rows of up to a piece get a warp each; of longer ones every piece gets a block, and one warp
// a row adds the pieces up. Sums in double hide behind the memory traffic: three multiply-adds for eight bytes.
#include <cuda_runtime.h>

#include "kernels/base/block_reduce.cuh"
#include "kernels/base/cuda_check.h"
#include "kernels/base/pack.cuh"
#include "kernels/loss/cosine_distance.h"
#include "kernels/loss/cosine_row.h"

namespace assay::kernels {

constexpr int kThreads = 256;
constexpr int kRowsPerBlock = kThreads / kWarpLanes;

// ---- Device helpers

template <int kGroup>
__device__ inline CosineSums sums_of(const CosineDistanceForwardArgs& args, int64_t row, int64_t first, int64_t end,
                                     int thread) {
  CosineSums sums = {0, 0, 0};
  for (int64_t i = row * args.cols + first + thread; i < row * args.cols + end; i += kGroup) {
    const double a = args.a[i], b = args.b[i];
    sums.product += a * b, sums.square_a += a * a, sums.square_b += b * b;
  }
  return sums;
}

// ---- Kernels

// Budget: 48 registers, 0 bytes shared.
__global__ void __launch_bounds__(kThreads) cosine_distance_warp_per_row(CosineDistanceForwardArgs args) {
  const int64_t row = int64_t{blockIdx.x} * kRowsPerBlock + threadIdx.x / kWarpLanes;
  if (row >= args.rows) return;  // the same for all lanes of a warp, so the shuffles stay legal
  CosineSums sums = sums_of<kWarpLanes>(args, row, 0, args.cols, threadIdx.x % kWarpLanes);
  sums = {warp_sum(sums.product), warp_sum(sums.square_a), warp_sum(sums.square_b)};
  if (threadIdx.x % kWarpLanes == 0) finish_cosine_row(args, row, sums);
}

// Budget: 48 registers, 64 bytes shared.
__global__ void __launch_bounds__(kThreads)
    cosine_distance_block_per_piece(CosineDistanceForwardArgs args, int64_t pieces) {
  __shared__ double scratch[kThreads / kWarpLanes];
  const int64_t row = blockIdx.x / pieces, first = blockIdx.x % pieces * kCosinePiece;
  CosineSums sums = sums_of<kThreads>(args, row, first, min(first + kCosinePiece, args.cols), threadIdx.x);
  sums.product = block_sum<kThreads>(sums.product, scratch);
  sums.square_a = block_sum<kThreads>(sums.square_a, scratch);
  sums.square_b = block_sum<kThreads>(sums.square_b, scratch);
  if (threadIdx.x != 0) return;
  double* saved = args.workspace + int64_t{blockIdx.x} * 3;
  saved[0] = sums.product, saved[1] = sums.square_a, saved[2] = sums.square_b;
}

// Budget: 48 registers, 0 bytes shared.
__global__ void __launch_bounds__(kThreads)
    cosine_distance_warp_per_row_of_pieces(CosineDistanceForwardArgs args, int64_t pieces) {
  const int64_t row = int64_t{blockIdx.x} * kRowsPerBlock + threadIdx.x / kWarpLanes;
  if (row >= args.rows) return;  // the same for all lanes of a warp, so the shuffles stay legal
  CosineSums sums = {0, 0, 0};
  for (int64_t piece = threadIdx.x % kWarpLanes; piece < pieces; piece += kWarpLanes) {
    const double* saved = args.workspace + (row * pieces + piece) * 3;
    sums.product += saved[0], sums.square_a += saved[1], sums.square_b += saved[2];
  }
  sums = {warp_sum(sums.product), warp_sum(sums.square_a), warp_sum(sums.square_b)};
  if (threadIdx.x % kWarpLanes == 0) finish_cosine_row(args, row, sums);
}

// Columns of a row side by side in a block; blocks walk over rows x pieces.
// Budget: 48 registers, 0 bytes shared.
template <int kWidth>
__global__ void __launch_bounds__(kThreads)
    cosine_distance_grads_block_per_piece(CosineDistanceBackwardArgs args, int64_t pieces) {
  const int64_t row = blockIdx.x / pieces, first = blockIdx.x % pieces * kCosinePiece;
  const CosineSlopes slopes = cosine_slopes(args, row);
  const int64_t end = row * args.cols + min(first + kCosinePiece, args.cols);
  for (int64_t i = row * args.cols + first + threadIdx.x * kWidth; i < end; i += kThreads * kWidth) {
    const Pack<kWidth> a = load_pack<kWidth>(args.a + i), b = load_pack<kWidth>(args.b + i);
    Pack<kWidth> grad;
    if (args.grad_a != nullptr) {
      if (args.grad_a_mode == GradMode::kAccumulate) grad = load_pack<kWidth>(args.grad_a + i);
#pragma unroll
      for (int j = 0; j < kWidth; ++j) {
        grad.v[j] = merged_grad(args.grad_a_mode, &grad.v[j], slopes.own_a * a.v[j] + slopes.other * b.v[j]);
      }
      store_pack<kWidth>(args.grad_a + i, grad);
    }
    if (args.grad_b != nullptr) {
      if (args.grad_b_mode == GradMode::kAccumulate) grad = load_pack<kWidth>(args.grad_b + i);
#pragma unroll
      for (int j = 0; j < kWidth; ++j) {
        grad.v[j] = merged_grad(args.grad_b_mode, &grad.v[j], slopes.own_b * b.v[j] + slopes.other * a.v[j]);
      }
      store_pack<kWidth>(args.grad_b + i, grad);
    }
  }
}

// ---- Launchers

void cosine_distance_forward_cuda(const CosineDistanceForwardArgs& args, void* cuda_stream) {
  if (args.rows == 0) return;
  const char* kernel = "cosine_distance_forward";
  const auto stream = static_cast<cudaStream_t>(cuda_stream);
  const int64_t pieces = cosine_pieces(args.cols);
  const dim3 by_rows = cuda_grid(kernel, (args.rows + kRowsPerBlock - 1) / kRowsPerBlock);
  if (pieces == 1) {
    cosine_distance_warp_per_row<<<by_rows, kThreads, 0, stream>>>(args);
    ASSAY_CUDA_CHECK_LAUNCH(kernel, by_rows, kThreads);
    return;
  }
  const dim3 by_pieces = cuda_grid(kernel, args.rows * pieces);
  cosine_distance_block_per_piece<<<by_pieces, kThreads, 0, stream>>>(args, pieces);
  ASSAY_CUDA_CHECK_LAUNCH(kernel, by_pieces, kThreads);
  cosine_distance_warp_per_row_of_pieces<<<by_rows, kThreads, 0, stream>>>(args, pieces);
  ASSAY_CUDA_CHECK_LAUNCH(kernel, by_rows, kThreads);
}

void cosine_distance_backward_cuda(const CosineDistanceBackwardArgs& args, void* cuda_stream) {
  if (args.rows == 0 || (args.grad_a == nullptr && args.grad_b == nullptr)) return;
  const auto stream = static_cast<cudaStream_t>(cuda_stream);
  const int64_t pieces = cosine_pieces(args.cols);
  const dim3 grid = cuda_grid("cosine_distance_backward", args.rows * pieces);
  if (args.cols % 4 == 0 && aligned_for_packs(args.a, args.b, args.grad_a, args.grad_b)) {
    cosine_distance_grads_block_per_piece<4><<<grid, kThreads, 0, stream>>>(args, pieces);
  } else {
    cosine_distance_grads_block_per_piece<1><<<grid, kThreads, 0, stream>>>(args, pieces);
  }
  ASSAY_CUDA_CHECK_LAUNCH("cosine_distance_backward", grid, kThreads);
}

}  // namespace assay::kernels
