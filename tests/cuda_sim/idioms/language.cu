// SPDX-License-Identifier: Apache-2.0
// Features of the language: calls, tables, variables, shared and local memory, warps, atomics, printf, assert.
#include <cuda_runtime.h>

#include <cassert>
#include <cstdio>

#include "tests/cuda_sim/idioms/idioms.h"

namespace assay::cuda_sim::idioms {

__constant__ float constants[4] = {1, 2, 3, 4};
__device__ float offsets[2] = {0.25f, 0.5f};
__device__ const float* pointer = &offsets[1];
__device__ int counter = 0;

__global__ void shared_reverse(const float* x, float* reversed, int n) {
  extern __shared__ float dynamic[];
  __shared__ float staged[kBlock];
  const int i = threadIdx.x;
  if (i < n) staged[i] = x[i];
  __syncthreads();
  if (i < n) dynamic[n - 1 - i] = staged[i];
  __syncthreads();
  if (i < n) reversed[i] = dynamic[i];
}

__global__ void switch_table(int* result, int n) {
  const int i = threadIdx.x;
  if (i >= n) return;
  int value = i;
  switch (i % 9) {
    case 0:
      value *= 3;
      break;
    case 1:
      value -= 100;
      break;
    case 2:
      value ^= 0x55;
      break;
    case 3:
      value = value * value;
      [[fallthrough]];
    case 4:
      value += 1000;
      break;
    case 5:
      value = -value;
      break;
    case 6:
      value <<= 3;
      break;
    case 7:
      value = result == nullptr;
      break;
    default:
      value = 7;
  }
  result[i] = value;
}

struct Shape {
  __device__ virtual int size(int x) const = 0;
};
struct Square : Shape {
  __device__ int size(int x) const override { return x * x; }
};
struct Line : Shape {
  __device__ int size(int x) const override { return x + 1; }
};
__device__ __noinline__ int twice(int x) { return 2 * x; }
__device__ __noinline__ int negate(int x) { return -x; }
using Function = int (*)(int);
__device__ Function functions[2] = {twice, negate};

__global__ void indirect_calls(const int* x, int* result, int n) {
  const int i = threadIdx.x;
  if (i >= n) return;
  Square square;
  Line line;
  const Shape* shape = x[i] % 3 == 0 ? static_cast<const Shape*>(&square) : &line;
  result[i] = functions[x[i] & 1](shape->size(x[i]));
}

__device__ __noinline__ int fibonacci(int n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }

__global__ void recursive(int* result, int n) {
  const int i = threadIdx.x;
  if (i < n) result[i] = fibonacci(i);
}

__global__ void rotate_in_local_memory(const int* x, int* result, int n) {
  const int i = threadIdx.x;
  if (i >= n) return;
  int group[8];
  for (int k = 0; k < 8; ++k) group[(k + (x[i] & 7)) & 7] = x[(i & ~7) + k];
  result[i] = group[i & 7];
}

__global__ void add_variables(float* result, int n) {
  const int i = threadIdx.x;
  if (i >= n) return;
  result[i] = constants[i % 4] + offsets[i % 2] + *pointer;
  atomicAdd(&counter, 1);
}

__global__ void pick_from_argument(Large argument, float* result, int n) {
  const int i = threadIdx.x;
  if (i < n) result[i] = argument.values[i % 20] + static_cast<float>(argument.shift);
}

__global__ void integer_operations(const int64_t* a, const int64_t* b, int64_t* result, int n) {
  const int i = threadIdx.x;
  if (i >= n) return;
  const int64_t x = a[i], y = b[i];
  int64_t* out = result + i * 10;
  out[0] = x / y;
  out[1] = x % y;
  out[2] = static_cast<int64_t>(static_cast<uint64_t>(x) / static_cast<uint64_t>(y));
  out[3] = __mul64hi(x, y);
  out[4] = __popcll(x) + __clzll(x) + __ffsll(y);
  out[5] = static_cast<int32_t>(x) / static_cast<int32_t>(y | 1);
  out[6] = __byte_perm(static_cast<uint32_t>(x), static_cast<uint32_t>(y), 0x6240);
  out[7] = __funnelshift_l(static_cast<uint32_t>(x), static_cast<uint32_t>(y), 11);
  out[8] = static_cast<int64_t>(static_cast<double>(x)) + static_cast<int64_t>(static_cast<float>(y));
  out[9] = static_cast<int8_t>(x) * static_cast<uint16_t>(y) + (x >> (y & 63));
}

__global__ void warp_butterfly(const float* x, float* result, int n) {
  const int i = threadIdx.x;
  float sum = i < n ? x[i] : 0.0f;
  for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_xor_sync(0xffffffff, sum, offset);
  if (i < n) result[i] = sum;
}

__global__ void histogram_in_shared(const int* x, int* counts, int n, int num_bins) {
  extern __shared__ int bins[];
  for (int i = threadIdx.x; i < num_bins; i += blockDim.x) bins[i] = 0;
  __syncthreads();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) atomicAdd(&bins[x[i]], 1);
  __syncthreads();
  for (int i = threadIdx.x; i < num_bins; i += blockDim.x) atomicAdd(&counts[i], bins[i]);
}

__global__ void hello() { printf("hello from %d of %u, %.2f %s\n", threadIdx.x, blockDim.x, 1.5, "text"); }

__global__ void assert_seven(const int* x) { assert(*x == 7); }

void dynamic_and_static_shared(const float* x, float* reversed, int n) {
  shared_reverse<<<1, kBlock, n * sizeof(float)>>>(x, reversed, n);
}
void switch_on_thread(int* result, int n) { switch_table<<<1, kBlock>>>(result, n); }
void virtual_and_function_pointers(const int* x, int* result, int n) { indirect_calls<<<1, kBlock>>>(x, result, n); }
void recursion(int* result, int n) { recursive<<<1, kBlock>>>(result, n); }
void local_array(const int* x, int* result, int n) { rotate_in_local_memory<<<1, kBlock>>>(x, result, n); }
void constant_and_device_variables(float* result, int n) { add_variables<<<1, kBlock>>>(result, n); }
void set_constants(const float* values) { cudaMemcpyToSymbol(constants, values, sizeof constants); }
int read_counter() {
  int value = -1;
  cudaMemcpyFromSymbol(&value, counter, sizeof value);
  return value;
}
void large_argument(const Large& argument, float* result, int n) {
  pick_from_argument<<<1, kBlock>>>(argument, result, n);
}
void integers(const int64_t* a, const int64_t* b, int64_t* result, int n) {
  integer_operations<<<1, kBlock>>>(a, b, result, n);
}
void warp_sums(const float* x, float* result, int n) { warp_butterfly<<<1, kBlock>>>(x, result, n); }
void histogram(const int* x, int* counts, int n, int num_bins) {
  histogram_in_shared<<<3, kBlock, num_bins * sizeof(int)>>>(x, counts, n, num_bins);
}
void say_hello(int n) { hello<<<1, n>>>(); }
void fail_assert(const int* x) { assert_seven<<<1, 1>>>(x); }

}  // namespace assay::cuda_sim::idioms
