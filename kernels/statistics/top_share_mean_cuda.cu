// SPDX-License-Identifier: Apache-2.0
// Top-share mean on CUDA: radix_select finds the lowest of the k values; then a block a row sums those above it in
// double, each thread its own places and the threads in a fixed tree, and adds as many equals of it as are missing.
#include <cuda_runtime.h>

#include "kernels/base/cuda_check.h"
#include "kernels/statistics/ordered_key.h"
#include "kernels/statistics/radix_select.h"
#include "kernels/statistics/top_share_mean.h"

namespace assay::kernels {

void radix_select_cuda(const RadixSelectArgs& args, void* cuda_stream);  // radix_select_cuda.cu

// ---- Kernels

constexpr int kTopThreads = 512;  // 128 values a thread of a map of 256 x 256 pixels
constexpr int kTopWarps = kTopThreads / 32;
constexpr unsigned kTopLanes = 0xffffffffu;

// Budget: 40 registers, 256 bytes shared.
__global__ void __launch_bounds__(kTopThreads)
    top_share_mean_block_per_row(TopShareMeanArgs a, const float* lowest, int64_t k) {
  __shared__ double sums[kTopWarps];
  __shared__ long long numbers[kTopWarps];
  const float* x = a.x + int64_t{blockIdx.x} * a.cols;
  const float bound = lowest[blockIdx.x];
  const uint32_t bound_key = ordered_key(bound);
  double sum = 0;
  long long number = 0;
  for (int64_t i = threadIdx.x; i < a.cols; i += kTopThreads) {
    const float value = x[i];
    if (ordered_key(value) > bound_key) {
      sum += value;
      ++number;
    }
  }
#pragma unroll
  for (int step = 16; step > 0; step /= 2) {
    sum += __shfl_xor_sync(kTopLanes, sum, step);
    number += __shfl_xor_sync(kTopLanes, number, step);
  }
  if (threadIdx.x % 32 == 0) {
    sums[threadIdx.x / 32] = sum;
    numbers[threadIdx.x / 32] = number;
  }
  __syncthreads();
  if (threadIdx.x != 0) return;  // no barrier follows
  for (int w = 1; w < kTopWarps; ++w) {
    sum += sums[w];
    number += numbers[w];
  }
  // The bound is itself one of the k, so that at least one is missing: never 0 * infinity.
  a.mean[blockIdx.x] = (sum + static_cast<double>(k - number) * bound) / static_cast<double>(k);
}

// ---- Launcher

void top_share_mean_cuda(const TopShareMeanArgs& args, void* cuda_stream) {
  if (args.rows == 0) return;
  const int64_t k = top_share_count(args.cols, args.share);
  char* scratch = static_cast<char*>(args.workspace);
  float* lowest = reinterpret_cast<float*>(scratch + radix_select_workspace_bytes(Backend::kCuda, args.rows, 1));
  radix_select_cuda({args.x, nullptr, lowest, args.rows, args.cols, args.cols - k, 1, scratch}, cuda_stream);
  const dim3 grid = cuda_grid("top_share_mean", args.rows);
  top_share_mean_block_per_row<<<grid, kTopThreads, 0, static_cast<cudaStream_t>(cuda_stream)>>>(args, lowest, k);
  ASSAY_CUDA_CHECK_LAUNCH("top_share_mean", grid, kTopThreads);
}

}  // namespace assay::kernels
