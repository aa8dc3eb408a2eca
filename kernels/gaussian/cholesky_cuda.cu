// SPDX-License-Identifier: Apache-2.0
// Cholesky on CUDA: a block per matrix, a thread per row. Column after column, each thread subtracts from its element
// the products of the columns before, k ascending: the sums of the CPU's outer-product form in the same order, but each
// element is written once. Lanes read neighbouring rows of a column; the row of the pivot is one broadcast. The
// triangle (40 KB at order 100) stays in the first-level cache.
#include <cuda_runtime.h>

#include <cfloat>

#include "kernels/base/cuda_check.h"
#include "kernels/gaussian/cholesky.h"
#include "kernels/gaussian/packed_triangle.h"

namespace assay::kernels {

// ---- Kernels

constexpr int kRowThreads = 128;  // PaDiM's order is 100

// Budget: 64 registers, 16 bytes shared.
__global__ void __launch_bounds__(kRowThreads) cholesky_block_per_matrix(CholeskyArgs a) {
  __shared__ double pivots[2];  // of this column and of the last one, which others may still be reading
  const int64_t order = a.order, size = packed_size(order);
  double* matrix = a.matrix + int64_t{blockIdx.x} * size;
  float* factor = a.factor + int64_t{blockIdx.x} * size;
  int64_t bad_pivot = -1;
  for (int64_t j = 0; j < order; ++j) {
    double* column = matrix + packed_column(order, j) - j;  // indexed by row
    for (int64_t i = j + threadIdx.x; i < order; i += kRowThreads) {
      double rest = column[i];
      const double* before = matrix;  // column k, indexed by row
      for (int64_t k = 0; k < j; ++k) {
        rest = fma(-before[i], before[j], rest);
        before += order - k - 1;
      }
      column[i] = rest;
      if (i == j) pivots[j % 2] = rest;
    }
    __syncthreads();
    const double root = sqrt(pivots[j % 2]);
    // Written so that NaN fails, and judged as the float32 it will be stored as. The same for the whole block.
    if (!(root >= FLT_MIN && root <= FLT_MAX)) {
      bad_pivot = j;
      break;
    }
    for (int64_t i = j + threadIdx.x; i < order; i += kRowThreads) {
      const double element = i == j ? root : column[i] / root;
      column[i] = element;
      factor[packed_column(order, j) + i - j] = static_cast<float>(element);
    }
    __syncthreads();
  }
  if (threadIdx.x == 0) a.bad_pivot[blockIdx.x] = bad_pivot;
}

// ---- Launcher

void cholesky_cuda(const CholeskyArgs& args, void* cuda_stream) {
  if (args.positions == 0) return;
  const dim3 grid = cuda_grid("cholesky", args.positions);
  cholesky_block_per_matrix<<<grid, kRowThreads, 0, static_cast<cudaStream_t>(cuda_stream)>>>(args);
  ASSAY_CUDA_CHECK_LAUNCH("cholesky", grid, kRowThreads);
}

}  // namespace assay::kernels
