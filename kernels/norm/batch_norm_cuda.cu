// SPDX-License-Identifier: Apache-2.0
// Batch norm on CUDA. A block takes 32 columns side by side (whole sectors) of a slab of rows, eight rows at a time;
// what the slabs give is put together by a block for every 32 columns, in double. A slab's second look at its rows
// finds them in a cache: 32 columns of 128 rows are 16 KiB.
#include <cuda_runtime.h>

#include "kernels/base/cuda_check.h"
#include "kernels/norm/batch_norm.h"

namespace assay::kernels {

constexpr int kBatchNormLanes = 32;  // columns of a block
constexpr int kBatchNormRows = 8;    // rows at a time
constexpr int kBatchNormThreads = kBatchNormLanes * kBatchNormRows;

// ---- Device helpers

// Where a block stands in a launch of columns by slabs, both in the grid's x, so that neither meets the limit of its y.
struct SlabPlace {
  int64_t slab, col, first, end;  // rows first .. end - 1
};
__device__ inline SlabPlace slab_place(int64_t rows, int64_t column_blocks) {
  SlabPlace p;
  p.slab = blockIdx.x / column_blocks;
  p.col = blockIdx.x % column_blocks * kBatchNormLanes + threadIdx.x;
  p.first = p.slab * kBatchNormSlabRows;
  p.end = min(p.first + kBatchNormSlabRows, rows);
  return p;
}

// Sum of each column's values over the rows of the block, for all its threads.
template <class T>
__device__ inline T sum_over_block_rows(T value, T (*scratch)[kBatchNormLanes]) {
  __syncthreads();  // all have read what an earlier call left
  scratch[threadIdx.y][threadIdx.x] = value;
  __syncthreads();
  T sum = 0;
#pragma unroll
  for (int row = 0; row < kBatchNormRows; ++row) sum += scratch[row][threadIdx.x];
  return sum;
}

__device__ inline int64_t rows_of_slab(int64_t slab, int64_t rows) {
  return min(kBatchNormSlabRows, rows - slab * kBatchNormSlabRows);
}

__device__ inline float reciprocal_deviation(float variance, float eps) { return 1 / sqrtf(variance + eps); }

// ---- Kernels

// Budget: 32 registers, 1024 bytes shared.
__global__ void __launch_bounds__(kBatchNormThreads)
    batch_norm_statistics_column_slabs(BatchNormStatisticsArgs a, int64_t column_blocks) {
  __shared__ float scratch[kBatchNormRows][kBatchNormLanes];
  const SlabPlace p = slab_place(a.rows, column_blocks);
  const bool is_inside = p.col < a.cols;
  float sum = 0;
  for (int64_t row = p.first + threadIdx.y; row < p.end && is_inside; row += kBatchNormRows) {
    sum += a.x[row * a.cols + p.col];
  }
  const float mean = sum_over_block_rows(sum, scratch) / static_cast<float>(p.end - p.first);
  float squares = 0;
  for (int64_t row = p.first + threadIdx.y; row < p.end && is_inside; row += kBatchNormRows) {
    const float centred = a.x[row * a.cols + p.col] - mean;
    squares = fmaf(centred, centred, squares);
  }
  squares = sum_over_block_rows(squares, scratch);
  if (threadIdx.y != 0 || !is_inside) return;
  a.workspace[p.slab * 2 * a.cols + p.col] = mean;
  a.workspace[(p.slab * 2 + 1) * a.cols + p.col] = squares;
}

// Budget: 40 registers, 2048 bytes shared.
__global__ void __launch_bounds__(kBatchNormThreads)
    batch_norm_statistics_of_slabs(BatchNormStatisticsArgs a, int64_t slabs) {
  __shared__ double scratch[kBatchNormRows][kBatchNormLanes];
  const int64_t col = int64_t{blockIdx.x} * kBatchNormLanes + threadIdx.x;
  const bool is_inside = col < a.cols;
  const double rows = static_cast<double>(a.rows);
  double sum = 0, squares = 0;
  for (int64_t slab = threadIdx.y; slab < slabs && is_inside; slab += kBatchNormRows) {
    sum += static_cast<double>(rows_of_slab(slab, a.rows)) * a.workspace[slab * 2 * a.cols + col];
  }
  const double mean = sum_over_block_rows(sum, scratch) / rows;
  for (int64_t slab = threadIdx.y; slab < slabs && is_inside; slab += kBatchNormRows) {
    const double off = a.workspace[slab * 2 * a.cols + col] - mean;
    squares += a.workspace[(slab * 2 + 1) * a.cols + col] + static_cast<double>(rows_of_slab(slab, a.rows)) * off * off;
  }
  squares = sum_over_block_rows(squares, scratch);
  if (threadIdx.y != 0 || !is_inside) return;
  a.mean[col] = static_cast<float>(mean);
  a.variance[col] = static_cast<float>(squares / rows);
  const double kept = 1.0 - a.momentum;
  if (a.running_mean != nullptr) {
    a.running_mean[col] = static_cast<float>(kept * a.running_mean[col] + a.momentum * mean);
  }
  if (a.running_variance != nullptr) {
    a.running_variance[col] = static_cast<float>(kept * a.running_variance[col] + a.momentum * (squares / (rows - 1)));
  }
}

// Budget: 32 registers, 0 bytes shared.
__global__ void __launch_bounds__(kBatchNormThreads)
    batch_norm_apply_column_slabs(BatchNormApplyArgs a, int64_t column_blocks) {
  const SlabPlace p = slab_place(a.rows, column_blocks);
  if (p.col >= a.cols) return;
  const float mean = a.mean[p.col], rstd = reciprocal_deviation(a.variance[p.col], a.eps);
  const float gamma = a.gamma[p.col], beta = a.beta[p.col];
  for (int64_t row = p.first + threadIdx.y; row < p.end; row += kBatchNormRows) {
    const int64_t i = row * a.cols + p.col;
    a.y[i] = fmaf((a.x[i] - mean) * rstd, gamma, beta);
  }
}

// Budget: 32 registers, 1024 bytes shared.
__global__ void __launch_bounds__(kBatchNormThreads)
    batch_norm_gradients_column_slabs(BatchNormBackwardArgs a, int64_t column_blocks) {
  __shared__ float scratch[kBatchNormRows][kBatchNormLanes];
  const SlabPlace p = slab_place(a.rows, column_blocks);
  const bool is_inside = p.col < a.cols;
  float gamma = 0, beta = 0;
  if (is_inside) {
    const float mean = a.mean[p.col], rstd = reciprocal_deviation(a.variance[p.col], a.eps);
    for (int64_t row = p.first + threadIdx.y; row < p.end; row += kBatchNormRows) {
      const int64_t i = row * a.cols + p.col;
      const float grad_y = a.grad_y[i];
      gamma = fmaf(grad_y, (a.x[i] - mean) * rstd, gamma);
      beta += grad_y;
    }
  }
  gamma = sum_over_block_rows(gamma, scratch);
  beta = sum_over_block_rows(beta, scratch);
  if (threadIdx.y != 0 || !is_inside) return;
  a.workspace[p.slab * 2 * a.cols + p.col] = gamma;
  a.workspace[(p.slab * 2 + 1) * a.cols + p.col] = beta;
}

// Budget: 32 registers, 2048 bytes shared.
__global__ void __launch_bounds__(kBatchNormThreads)
    batch_norm_gradients_of_slabs(BatchNormBackwardArgs a, int64_t slabs) {
  __shared__ double scratch[kBatchNormRows][kBatchNormLanes];
  const int64_t col = int64_t{blockIdx.x} * kBatchNormLanes + threadIdx.x;
  const bool is_inside = col < a.cols;
  double gamma = 0, beta = 0;
  for (int64_t slab = threadIdx.y; slab < slabs && is_inside; slab += kBatchNormRows) {
    gamma += a.workspace[slab * 2 * a.cols + col];
    beta += a.workspace[(slab * 2 + 1) * a.cols + col];
  }
  gamma = sum_over_block_rows(gamma, scratch);
  beta = sum_over_block_rows(beta, scratch);
  if (threadIdx.y != 0 || !is_inside) return;
  a.workspace[slabs * 2 * a.cols + col] = static_cast<float>(gamma / static_cast<double>(a.rows));
  a.workspace[(slabs * 2 + 1) * a.cols + col] = static_cast<float>(beta / static_cast<double>(a.rows));
  if (a.grad_gamma != nullptr) {
    a.grad_gamma[col] = merged_grad(a.grad_gamma_mode, a.grad_gamma + col, static_cast<float>(gamma));
  }
  if (a.grad_beta != nullptr) {
    a.grad_beta[col] = merged_grad(a.grad_beta_mode, a.grad_beta + col, static_cast<float>(beta));
  }
}

// Budget: 32 registers, 0 bytes shared.
__global__ void __launch_bounds__(kBatchNormThreads)
    batch_norm_grad_x_column_slabs(BatchNormBackwardArgs a, int64_t column_blocks, int64_t slabs) {
  const SlabPlace p = slab_place(a.rows, column_blocks);
  if (p.col >= a.cols) return;
  const float mean = a.mean[p.col], rstd = reciprocal_deviation(a.variance[p.col], a.eps);
  const float scale = a.gamma[p.col] * rstd;
  const float slope = a.workspace[slabs * 2 * a.cols + p.col], share = a.workspace[(slabs * 2 + 1) * a.cols + p.col];
  for (int64_t row = p.first + threadIdx.y; row < p.end; row += kBatchNormRows) {
    const int64_t i = row * a.cols + p.col;
    const float common = fmaf((a.x[i] - mean) * rstd, slope, share);
    a.grad_x[i] = merged_grad(a.grad_x_mode, a.grad_x + i, scale * (a.grad_y[i] - common));
  }
}

// ---- Launchers

namespace {

int64_t column_blocks_of(int64_t cols) { return (cols + kBatchNormLanes - 1) / kBatchNormLanes; }
constexpr dim3 kBlock(kBatchNormLanes, kBatchNormRows);

}  // namespace

void batch_norm_statistics_cuda(const BatchNormStatisticsArgs& a, void* cuda_stream) {
  const auto stream = static_cast<cudaStream_t>(cuda_stream);
  const int64_t column_blocks = column_blocks_of(a.cols), slabs = batch_norm_slabs(a.rows);
  const dim3 grid = cuda_grid("batch_norm_statistics", slabs * column_blocks);
  batch_norm_statistics_column_slabs<<<grid, kBlock, 0, stream>>>(a, column_blocks);
  ASSAY_CUDA_CHECK_LAUNCH("batch_norm_statistics", grid, kBlock);
  const dim3 columns = cuda_grid("batch_norm_statistics", column_blocks);
  batch_norm_statistics_of_slabs<<<columns, kBlock, 0, stream>>>(a, slabs);
  ASSAY_CUDA_CHECK_LAUNCH("batch_norm_statistics", columns, kBlock);
}

void batch_norm_apply_cuda(const BatchNormApplyArgs& a, void* cuda_stream) {
  if (a.rows == 0) return;
  const int64_t column_blocks = column_blocks_of(a.cols);
  const dim3 grid = cuda_grid("batch_norm_apply", batch_norm_slabs(a.rows) * column_blocks);
  batch_norm_apply_column_slabs<<<grid, kBlock, 0, static_cast<cudaStream_t>(cuda_stream)>>>(a, column_blocks);
  ASSAY_CUDA_CHECK_LAUNCH("batch_norm_apply", grid, kBlock);
}

void batch_norm_backward_cuda(const BatchNormBackwardArgs& a, void* cuda_stream) {
  const auto stream = static_cast<cudaStream_t>(cuda_stream);
  const int64_t column_blocks = column_blocks_of(a.cols), slabs = batch_norm_slabs(a.rows);
  const dim3 grid = cuda_grid("batch_norm_backward", slabs * column_blocks);
  batch_norm_gradients_column_slabs<<<grid, kBlock, 0, stream>>>(a, column_blocks);
  ASSAY_CUDA_CHECK_LAUNCH("batch_norm_backward", grid, kBlock);
  const dim3 columns = cuda_grid("batch_norm_backward", column_blocks);
  batch_norm_gradients_of_slabs<<<columns, kBlock, 0, stream>>>(a, slabs);
  ASSAY_CUDA_CHECK_LAUNCH("batch_norm_backward", columns, kBlock);
  if (a.grad_x == nullptr) return;
  batch_norm_grad_x_column_slabs<<<grid, kBlock, 0, stream>>>(a, column_blocks, slabs);
  ASSAY_CUDA_CHECK_LAUNCH("batch_norm_backward", grid, kBlock);
}

}  // namespace assay::kernels
