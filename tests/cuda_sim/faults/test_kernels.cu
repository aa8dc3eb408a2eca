// SPDX-License-Identifier: Apache-2.0
// Kernels without faults of their own, for tests of the runtime.
#include <cstdio>

#include "tests/cuda_sim/faults/faulty_kernels.h"

namespace assay::cuda_sim {

__constant__ float test_kernels_factor = 2.0f;

__global__ void add_one_kernel(const float* x, float* y, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) y[i] = x[i] + 1.0f;
}

__global__ void accumulate_kernel(const float* x, float* y, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) y[i] += x[i];
}

__global__ void scale_by_symbol_kernel(const float* x, float* y, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) y[i] = x[i] * test_kernels_factor;
}

__global__ void print_numbers_kernel(const float* x, float* y, int n) {
  if (threadIdx.x != 0 || blockIdx.x != 0) return;
  const int count = printf("<%d|%5.2f|%s|%c|%llx|%-4u|%%|%*d>\n", -n, x[1], "text", 'c', 0x123456789abcull, 7u, 6, n);
  y[0] = static_cast<float>(count);
}

__global__ void reverse_in_blocks_kernel(const float* x, float* y, int n) {
  __shared__ float numbers[64];
  const int i = static_cast<int>(blockIdx.x * 64 + threadIdx.x);
  numbers[threadIdx.x] = i < n ? x[i] : 0.0f;
  __syncthreads();
  if (i < n) y[i] = numbers[63 - threadIdx.x];
}

__global__ void large_dynamic_kernel(const float* x, float* y, int n) {
  extern __shared__ float numbers[];
  numbers[threadIdx.x] = x[0];
  __syncthreads();
  if (static_cast<int>(threadIdx.x) < n) y[threadIdx.x] = numbers[blockDim.x - 1 - threadIdx.x];
}

__global__ void __launch_bounds__(128) bounded_128_kernel(const float* x, float* y, int n) {
  const int i = static_cast<int>(threadIdx.x);
  if (i < n) y[i] = x[i];
}

__global__ void endless_kernel(const float* x, float* y, int n) {
  int steps = 0;
  while (steps >= 0) {
    asm volatile("{ .reg .u32 unused; mov.u32 unused, %clock; }" : "+r"(steps));
  }
  y[0] = static_cast<float>(steps);
}

// The largest local array that a GPU allows is larger than a simulated thread's stack.
__global__ void large_frame_kernel(const float* x, float* y, int n) {
  float values[100 << 10];
  for (int k = 0; k < n; ++k) values[k * 1000] = x[k];
  y[0] = values[n * 500];
}

const TestKernels& test_kernels() {
  static const TestKernels kernels = {
      add_one_kernel,       accumulate_kernel,  scale_by_symbol_kernel, print_numbers_kernel, reverse_in_blocks_kernel,
      large_dynamic_kernel, bounded_128_kernel, endless_kernel,         large_frame_kernel,   &test_kernels_factor,
  };
  return kernels;
}

}  // namespace assay::cuda_sim
