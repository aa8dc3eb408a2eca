// SPDX-License-Identifier: Apache-2.0
// Sums along an axis on CUDA. Columns: blocks of 32 columns side by side over a slab of rows, then over the slabs in
// double. Rows: a warp each, long ones a block.
#include <cuda_runtime.h>

#include "kernels/base/block_reduce.cuh"
#include "kernels/base/cuda_check.h"
#include "kernels/reduce/axis_sum.h"

namespace assay::kernels {

constexpr int kColumnLanes = 32;  // columns a block sums, side by side: whole sectors
constexpr int kColumnRows = 8;    // rows it sums at a time
constexpr int kRowThreads = 256;  // 8 warps: eight rows, or one long row
constexpr int kRowsPerBlock = kRowThreads / kWarpLanes;
constexpr int64_t kWarpRowCols = 2048;  // beyond that a warp takes too long

// ---- Device helpers

// Sum over the rows of the block of each column's value; valid where threadIdx.y is 0.
template <class T>
__device__ inline T column_total(T value, T (*scratch)[kColumnLanes]) {
  scratch[threadIdx.y][threadIdx.x] = value;
  __syncthreads();
  T sum = 0;
#pragma unroll
  for (int row = 0; row < kColumnRows; ++row) sum += scratch[row][threadIdx.x];
  return sum;
}

template <int kGroup>
__device__ inline float sum_of_row(const RowSumArgs& a, int64_t row, int thread) {
  float sum = 0;
  for (int64_t c = thread; c < a.cols; c += kGroup) {
    const int64_t i = row * a.cols + c;
    sum += a.factor == nullptr ? a.x[i] : a.x[i] * a.factor[i];
  }
  return sum;
}

// ---- Kernels

// Column blocks and slabs both in x, so that neither meets the limit of a grid's y.
// Budget: 40 registers, 1024 bytes shared.
__global__ void __launch_bounds__(kColumnLanes* kColumnRows)
    column_sum_column_slabs(ColumnSumArgs a, int64_t column_blocks) {
  __shared__ float scratch[kColumnRows][kColumnLanes];
  const int64_t slab = blockIdx.x / column_blocks;
  const int64_t col = blockIdx.x % column_blocks * kColumnLanes + threadIdx.x;
  const int64_t first = slab * kColumnSumSlabRows, end = min(first + kColumnSumSlabRows, a.rows);
  float sum = 0;
  if (col < a.cols) {
    for (int64_t row = first + threadIdx.y; row < end; row += kColumnRows) {
      const int64_t i = row * a.cols + col;
      sum += a.factor == nullptr ? a.x[i] : a.x[i] * a.factor[i];
    }
  }
  sum = column_total(sum, scratch);
  if (threadIdx.y == 0 && col < a.cols) a.workspace[slab * a.cols + col] = sum;
}

// Budget: 40 registers, 2048 bytes shared.
__global__ void __launch_bounds__(kColumnLanes* kColumnRows) column_sum_sum_of_slabs(ColumnSumArgs a, int64_t slabs) {
  __shared__ double scratch[kColumnRows][kColumnLanes];
  const int64_t col = int64_t{blockIdx.x} * kColumnLanes + threadIdx.x;
  double sum = 0;
  if (col < a.cols) {
    for (int64_t slab = threadIdx.y; slab < slabs; slab += kColumnRows) sum += a.workspace[slab * a.cols + col];
  }
  sum = column_total(sum, scratch);
  if (threadIdx.y == 0 && col < a.cols) a.y[col] = merged_grad(a.mode, a.y + col, static_cast<float>(sum));
}

// Budget: 32 registers, 0 bytes shared.
__global__ void __launch_bounds__(kRowThreads) row_sum_warp_per_row(RowSumArgs a) {
  const int64_t row = int64_t{blockIdx.x} * kRowsPerBlock + threadIdx.x / kWarpLanes;
  if (row >= a.rows) return;  // the same for all lanes of a warp, so the shuffles stay legal
  const float sum = warp_sum(sum_of_row<kWarpLanes>(a, row, threadIdx.x % kWarpLanes));
  if (threadIdx.x % kWarpLanes == 0) a.y[row] = merged_grad(a.mode, a.y + row, sum);
}

// Budget: 32 registers, 32 bytes shared.
__global__ void __launch_bounds__(kRowThreads) row_sum_block_per_row(RowSumArgs a) {
  __shared__ float scratch[kRowsPerBlock];
  const int64_t row = blockIdx.x;
  const float sum = block_sum<kRowThreads>(sum_of_row<kRowThreads>(a, row, threadIdx.x), scratch);
  if (threadIdx.x == 0) a.y[row] = merged_grad(a.mode, a.y + row, sum);
}

// ---- Launchers

void column_sum_cuda(const ColumnSumArgs& a, void* cuda_stream) {
  if (a.cols == 0) return;
  const auto stream = static_cast<cudaStream_t>(cuda_stream);
  const dim3 block(kColumnLanes, kColumnRows);
  const int64_t column_blocks = (a.cols + kColumnLanes - 1) / kColumnLanes, slabs = column_sum_slabs(a.rows);
  if (slabs > 0) {
    const dim3 grid = cuda_grid("column_sum", slabs * column_blocks);
    column_sum_column_slabs<<<grid, block, 0, stream>>>(a, column_blocks);
    ASSAY_CUDA_CHECK_LAUNCH("column_sum", grid, block);
  }
  const dim3 grid = cuda_grid("column_sum", column_blocks);
  column_sum_sum_of_slabs<<<grid, block, 0, stream>>>(a, slabs);
  ASSAY_CUDA_CHECK_LAUNCH("column_sum", grid, block);
}

void row_sum_cuda(const RowSumArgs& a, void* cuda_stream) {
  if (a.rows == 0) return;
  const auto stream = static_cast<cudaStream_t>(cuda_stream);
  const bool warps = a.cols <= kWarpRowCols;
  const dim3 grid = cuda_grid("row_sum", warps ? (a.rows + kRowsPerBlock - 1) / kRowsPerBlock : a.rows);
  if (warps) {
    row_sum_warp_per_row<<<grid, kRowThreads, 0, stream>>>(a);
  } else {
    row_sum_block_per_row<<<grid, kRowThreads, 0, stream>>>(a);
  }
  ASSAY_CUDA_CHECK_LAUNCH("row_sum", grid, kRowThreads);
}

}  // namespace assay::kernels
