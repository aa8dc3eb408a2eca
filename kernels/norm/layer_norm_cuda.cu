// SPDX-License-Identifier: Apache-2.0
// LayerNorm on CUDA. Rows of up to kWarpRowCols channels get a warp each, longer ones a block. A row is read once from
// memory and again from the first-level cache in later passes: at 768 channels the rows of a block are 24 KiB.
// Gradients of gamma and beta: sums over slabs of rows, columns side by side, then over the slabs in double.
#include <cuda_runtime.h>

#include "kernels/base/block_reduce.cuh"
#include "kernels/base/cuda_check.h"
#include "kernels/base/pack.cuh"
#include "kernels/norm/layer_norm.h"

namespace assay::kernels {

constexpr int kRowThreads = 256;  // 8 warps: eight rows, or one long row
constexpr int kRowsPerBlock = kRowThreads / kWarpLanes;
constexpr int64_t kWarpRowCols = 2048;  // up to 16 packs a lane; beyond that the passes of one warp take too long
constexpr int kColumnLanes = 32;        // columns a block sums, side by side: whole sectors
constexpr int kColumnRows = 8;          // rows it sums at a time

// ---- Device helpers

// Threads that share a row: a warp (kThreads 32) or a block.
template <int kThreads, class T>
__device__ inline T row_sum(T value, T* scratch) {
  if constexpr (kThreads == kWarpLanes) {
    return warp_sum(value);
  } else {
    return block_sum<kThreads>(value, scratch);
  }
}

template <int kThreads, int kWidth>
__device__ inline void normalise_row(const LayerNormForwardArgs& a, int64_t row, int thread, float* scratch) {
  const float* x = a.x + row * a.cols;
  constexpr int64_t kStep = kThreads * kWidth;
  const float count = static_cast<float>(a.cols);
  float sum = 0;
  for (int64_t c = thread * kWidth; c < a.cols; c += kStep) {
    const Pack<kWidth> p = load_pack<kWidth>(x + c);
#pragma unroll
    for (int i = 0; i < kWidth; ++i) sum += p.v[i];
  }
  const float mean = row_sum<kThreads>(sum, scratch) / count;
  float squares = 0;
  for (int64_t c = thread * kWidth; c < a.cols; c += kStep) {
    const Pack<kWidth> p = load_pack<kWidth>(x + c);
#pragma unroll
    for (int i = 0; i < kWidth; ++i) squares += (p.v[i] - mean) * (p.v[i] - mean);
  }
  const float rstd = 1 / sqrtf(row_sum<kThreads>(squares, scratch) / count + a.eps);
  if (thread == 0 && a.mean != nullptr) a.mean[row] = mean;
  if (thread == 0 && a.rstd != nullptr) a.rstd[row] = rstd;
  for (int64_t c = thread * kWidth; c < a.cols; c += kStep) {
    const Pack<kWidth> p = load_pack<kWidth>(x + c), gamma = load_pack<kWidth>(a.gamma + c);
    Pack<kWidth> y = load_pack<kWidth>(a.beta + c);
#pragma unroll
    for (int i = 0; i < kWidth; ++i) y.v[i] = fmaf((p.v[i] - mean) * rstd, gamma.v[i], y.v[i]);
    store_pack<kWidth>(a.y + row * a.cols + c, y);
  }
}

template <int kThreads, int kWidth>
__device__ inline void grad_x_of_row(const LayerNormBackwardArgs& a, int64_t row, int thread, float* scratch) {
  const int64_t first = row * a.cols;
  constexpr int64_t kStep = kThreads * kWidth;
  const float mean = a.mean[row], rstd = a.rstd[row], count = static_cast<float>(a.cols);
  float sum = 0, projection = 0;
  for (int64_t c = thread * kWidth; c < a.cols; c += kStep) {
    const Pack<kWidth> x = load_pack<kWidth>(a.x + first + c), gy = load_pack<kWidth>(a.grad_y + first + c);
    const Pack<kWidth> gamma = load_pack<kWidth>(a.gamma + c);
#pragma unroll
    for (int i = 0; i < kWidth; ++i) {
      sum += gy.v[i] * gamma.v[i];
      projection += gy.v[i] * gamma.v[i] * ((x.v[i] - mean) * rstd);
    }
  }
  const float share = row_sum<kThreads>(sum, scratch) / count;
  const float slope = row_sum<kThreads>(projection, scratch) / count;
  for (int64_t c = thread * kWidth; c < a.cols; c += kStep) {
    const Pack<kWidth> x = load_pack<kWidth>(a.x + first + c), gy = load_pack<kWidth>(a.grad_y + first + c);
    const Pack<kWidth> gamma = load_pack<kWidth>(a.gamma + c);
    Pack<kWidth> grad;
    if (a.grad_x_mode == GradMode::kAccumulate) grad = load_pack<kWidth>(a.grad_x + first + c);
#pragma unroll
    for (int i = 0; i < kWidth; ++i) {
      const float value = (gy.v[i] * gamma.v[i] - fmaf((x.v[i] - mean) * rstd, slope, share)) * rstd;
      grad.v[i] = merged_grad(a.grad_x_mode, &grad.v[i], value);
    }
    store_pack<kWidth>(a.grad_x + first + c, grad);
  }
}

// Sum over the rows of the block of each column's value; valid where threadIdx.y is 0.
template <class T>
__device__ inline T column_sum(T value, T (*scratch)[kColumnLanes]) {
  __syncthreads();
  scratch[threadIdx.y][threadIdx.x] = value;
  __syncthreads();
  T sum = 0;
#pragma unroll
  for (int row = 0; row < kColumnRows; ++row) sum += scratch[row][threadIdx.x];
  return sum;
}

// ---- Kernels

// Budget: 48 registers, 0 bytes shared.
template <int kWidth>
__global__ void __launch_bounds__(kRowThreads) layer_norm_forward_warp_per_row(LayerNormForwardArgs a) {
  const int64_t row = int64_t{blockIdx.x} * kRowsPerBlock + threadIdx.x / kWarpLanes;
  if (row >= a.rows) return;  // the same for all lanes of a warp, so the shuffles stay legal
  normalise_row<kWarpLanes, kWidth>(a, row, threadIdx.x % kWarpLanes, nullptr);
}

// Budget: 40 registers, 32 bytes shared.
template <int kWidth>
__global__ void __launch_bounds__(kRowThreads) layer_norm_forward_block_per_row(LayerNormForwardArgs a) {
  __shared__ float scratch[kRowsPerBlock];
  normalise_row<kRowThreads, kWidth>(a, blockIdx.x, threadIdx.x, scratch);
}

// Budget: 48 registers, 0 bytes shared.
template <int kWidth>
__global__ void __launch_bounds__(kRowThreads) layer_norm_grad_x_warp_per_row(LayerNormBackwardArgs a) {
  const int64_t row = int64_t{blockIdx.x} * kRowsPerBlock + threadIdx.x / kWarpLanes;
  if (row >= a.rows) return;  // the same for all lanes of a warp, so the shuffles stay legal
  grad_x_of_row<kWarpLanes, kWidth>(a, row, threadIdx.x % kWarpLanes, nullptr);
}

// Budget: 48 registers, 32 bytes shared.
template <int kWidth>
__global__ void __launch_bounds__(kRowThreads) layer_norm_grad_x_block_per_row(LayerNormBackwardArgs a) {
  __shared__ float scratch[kRowsPerBlock];
  grad_x_of_row<kRowThreads, kWidth>(a, blockIdx.x, threadIdx.x, scratch);
}

// The share of one slab of rows; column blocks in x, slabs in x too, so that neither meets the limit of a grid's y.
// Budget: 40 registers, 1024 bytes shared.
__global__ void __launch_bounds__(kColumnLanes* kColumnRows)
    layer_norm_parameter_grads_column_slabs(LayerNormBackwardArgs a, int64_t column_blocks) {
  __shared__ float scratch[kColumnRows][kColumnLanes];
  const int64_t slab = blockIdx.x / column_blocks;
  const int64_t col = blockIdx.x % column_blocks * kColumnLanes + threadIdx.x;
  const int64_t first = slab * kLayerNormSlabRows, end = min(first + kLayerNormSlabRows, a.rows);
  float gamma = 0, beta = 0;
  if (col < a.cols) {
    for (int64_t row = first + threadIdx.y; row < end; row += kColumnRows) {
      const float grad_y = a.grad_y[row * a.cols + col];
      gamma += grad_y * ((a.x[row * a.cols + col] - a.mean[row]) * a.rstd[row]);
      beta += grad_y;
    }
  }
  gamma = column_sum(gamma, scratch);
  beta = column_sum(beta, scratch);
  if (threadIdx.y == 0 && col < a.cols) {
    a.workspace[slab * 2 * a.cols + col] = gamma;
    a.workspace[(slab * 2 + 1) * a.cols + col] = beta;
  }
}

// Budget: 40 registers, 2048 bytes shared.
__global__ void __launch_bounds__(kColumnLanes* kColumnRows)
    layer_norm_parameter_grads_sum_of_slabs(LayerNormBackwardArgs a, int64_t slabs) {
  __shared__ double scratch[kColumnRows][kColumnLanes];
  const int64_t col = int64_t{blockIdx.x} * kColumnLanes + threadIdx.x;
  double gamma = 0, beta = 0;
  if (col < a.cols) {
    for (int64_t slab = threadIdx.y; slab < slabs; slab += kColumnRows) {
      gamma += a.workspace[slab * 2 * a.cols + col];
      beta += a.workspace[(slab * 2 + 1) * a.cols + col];
    }
  }
  gamma = column_sum(gamma, scratch);
  beta = column_sum(beta, scratch);
  if (threadIdx.y != 0 || col >= a.cols) return;
  if (a.grad_gamma != nullptr) {
    a.grad_gamma[col] = merged_grad(a.grad_gamma_mode, a.grad_gamma + col, static_cast<float>(gamma));
  }
  if (a.grad_beta != nullptr) {
    a.grad_beta[col] = merged_grad(a.grad_beta_mode, a.grad_beta + col, static_cast<float>(beta));
  }
}

// ---- Launchers

template <int kWidth>
void launch_forward(const LayerNormForwardArgs& a, cudaStream_t stream) {
  const bool warps = a.cols <= kWarpRowCols;
  const dim3 grid = cuda_grid("layer_norm_forward", warps ? (a.rows + kRowsPerBlock - 1) / kRowsPerBlock : a.rows);
  if (warps) {
    layer_norm_forward_warp_per_row<kWidth><<<grid, kRowThreads, 0, stream>>>(a);
  } else {
    layer_norm_forward_block_per_row<kWidth><<<grid, kRowThreads, 0, stream>>>(a);
  }
  ASSAY_CUDA_CHECK_LAUNCH("layer_norm_forward", grid, kRowThreads);
}

template <int kWidth>
void launch_grad_x(const LayerNormBackwardArgs& a, cudaStream_t stream) {
  const bool warps = a.cols <= kWarpRowCols;
  const dim3 grid = cuda_grid("layer_norm_backward", warps ? (a.rows + kRowsPerBlock - 1) / kRowsPerBlock : a.rows);
  if (warps) {
    layer_norm_grad_x_warp_per_row<kWidth><<<grid, kRowThreads, 0, stream>>>(a);
  } else {
    layer_norm_grad_x_block_per_row<kWidth><<<grid, kRowThreads, 0, stream>>>(a);
  }
  ASSAY_CUDA_CHECK_LAUNCH("layer_norm_backward", grid, kRowThreads);
}

void launch_parameter_grads(const LayerNormBackwardArgs& a, cudaStream_t stream) {
  const dim3 block(kColumnLanes, kColumnRows);
  const int64_t column_blocks = (a.cols + kColumnLanes - 1) / kColumnLanes;
  const int64_t slabs = layer_norm_slabs(a.rows);
  if (slabs > 0) {
    const dim3 grid = cuda_grid("layer_norm_backward", slabs * column_blocks);
    layer_norm_parameter_grads_column_slabs<<<grid, block, 0, stream>>>(a, column_blocks);
    ASSAY_CUDA_CHECK_LAUNCH("layer_norm_backward", grid, block);
  }
  const dim3 grid = cuda_grid("layer_norm_backward", column_blocks);
  layer_norm_parameter_grads_sum_of_slabs<<<grid, block, 0, stream>>>(a, slabs);
  ASSAY_CUDA_CHECK_LAUNCH("layer_norm_backward", grid, block);
}

void layer_norm_forward_cuda(const LayerNormForwardArgs& a, void* cuda_stream) {
  if (a.rows == 0) return;
  const auto stream = static_cast<cudaStream_t>(cuda_stream);
  const bool packs = a.cols % 4 == 0 && aligned_for_packs(a.x, a.gamma, a.beta, a.y);
  packs ? launch_forward<4>(a, stream) : launch_forward<1>(a, stream);
}

void layer_norm_backward_cuda(const LayerNormBackwardArgs& a, void* cuda_stream) {
  const auto stream = static_cast<cudaStream_t>(cuda_stream);
  // First, for grad_x may overwrite grad_y.
  if (a.grad_gamma != nullptr || a.grad_beta != nullptr) launch_parameter_grads(a, stream);
  if (a.grad_x == nullptr || a.rows == 0) return;
  const bool packs = a.cols % 4 == 0 && aligned_for_packs(a.x, a.gamma, a.grad_y, a.grad_x);
  packs ? launch_grad_x<4>(a, stream) : launch_grad_x<1>(a, stream);
}

}  // namespace assay::kernels
