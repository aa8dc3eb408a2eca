// SPDX-License-Identifier: Apache-2.0
// Totals on CUDA: a block per piece, then one block over the pieces' totals; all in double, since the additions hide
// behind the memory traffic.
#include <cuda_runtime.h>

#include "kernels/base/block_reduce.cuh"
#include "kernels/base/cuda_check.h"
#include "kernels/reduce/total.h"

namespace assay::kernels {

constexpr int kThreads = 256;

// ---- Device helpers

__device__ inline double combined(bool maximum, double a, double b) {
  if (maximum) return a > b || a != a ? a : b;  // NaN wins
  return a + b;
}

__device__ inline double neutral(bool maximum) { return maximum ? -__longlong_as_double(0x7ff0000000000000ll) : 0.0; }

// Of all threads' values, in a fixed tree.
__device__ inline double block_total(bool maximum, double value, double* scratch) {
#pragma unroll
  for (int lanes = kWarpLanes / 2; lanes > 0; lanes /= 2) {
    value = combined(maximum, value, __shfl_xor_sync(kFullMask, value, lanes));
  }
  return block_combine<kThreads>(value, scratch, [=](double a, double b) { return combined(maximum, a, b); });
}

// ---- Kernels

// Budget: 40 registers, 64 bytes shared.
__global__ void __launch_bounds__(kThreads) total_block_per_piece(TotalArgs a) {
  __shared__ double scratch[kThreads / kWarpLanes];
  const bool maximum = a.total == Total::kMaximum;
  const int64_t first = int64_t{blockIdx.x} * kTotalPiece, end = min(first + kTotalPiece, a.count);
  double value = neutral(maximum);
  for (int64_t i = first + threadIdx.x; i < end; i += kThreads) value = combined(maximum, value, a.x[i]);
  value = block_total(maximum, value, scratch);
  if (threadIdx.x == 0) a.workspace[blockIdx.x] = value;
}

// Budget: 40 registers, 64 bytes shared.
__global__ void __launch_bounds__(kThreads) total_one_block_over_pieces(TotalArgs a, int64_t pieces) {
  __shared__ double scratch[kThreads / kWarpLanes];
  const bool maximum = a.total == Total::kMaximum;
  double value = neutral(maximum);
  for (int64_t i = threadIdx.x; i < pieces; i += kThreads) value = combined(maximum, value, a.workspace[i]);
  value = block_total(maximum, value, scratch);
  if (a.total == Total::kMean) value /= static_cast<double>(a.count);
  if (threadIdx.x == 0) *a.y = static_cast<float>(value);
}

// ---- Launcher

void total_cuda(const TotalArgs& a, void* cuda_stream) {
  const auto stream = static_cast<cudaStream_t>(cuda_stream);
  const int64_t pieces = total_pieces(a.count);
  if (pieces > 0) {
    const dim3 grid = cuda_grid("total", pieces);
    total_block_per_piece<<<grid, kThreads, 0, stream>>>(a);
    ASSAY_CUDA_CHECK_LAUNCH("total", grid, kThreads);
  }
  total_one_block_over_pieces<<<1, kThreads, 0, stream>>>(a, pieces);
  ASSAY_CUDA_CHECK_LAUNCH("total", 1, kThreads);
}

}  // namespace assay::kernels
