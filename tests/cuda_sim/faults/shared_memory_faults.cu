// SPDX-License-Identifier: Apache-2.0
#include "tests/cuda_sim/faults/faulty_kernels.h"

namespace assay::cuda_sim {

// Two arrays side by side: running over the end of one must not end up in the other.
template <bool kFaulty>
__global__ void overrun_into_neighbour(const float* x, float* y, int n) {
  __shared__ float first[64];
  __shared__ float second[64];
  const int i = static_cast<int>(threadIdx.x);
  first[i] = x[i];
  second[i] = x[i];
  __syncthreads();
  const int index = n == 100 && kFaulty ? i + 1 : 63 - i;
  const float a = first[index];  // fault
  y[i] = a + second[63 - i];
}

template <bool kFaulty>
__global__ void dynamic_overrun(const float* x, float* y, int n) {
  extern __shared__ float numbers[];
  const int i = static_cast<int>(threadIdx.x);
  if (i >= 32) return;
  numbers[i + (kFaulty ? n / 100 : 0)] = x[i];  // fault
  y[i] = numbers[i];
}

template <bool kFaulty>
__global__ void misaligned_shared(const float* x, float* y, int n) {
  __shared__ alignas(16) float numbers[64];
  const int i = static_cast<int>(threadIdx.x);
  numbers[i] = x[i];
  __syncthreads();
  if (i >= 8) return;
  const float2 two = *reinterpret_cast<const float2*>(&numbers[2 * i + (kFaulty ? n / 100 : 0)]);  // fault
  y[i] = two.x + two.y;
}

template <bool kFaulty>
__global__ void uninitialised_shared(const float* x, float* y, int n) {
  __shared__ float numbers[64];
  const int i = static_cast<int>(threadIdx.x);
  if (i < (kFaulty ? 63 : 64)) numbers[i] = x[i];
  __syncthreads();
  y[i] = numbers[63 - i];  // fault
}

std::vector<FaultyKernel> shared_memory_faults() {
  return {
      {"overrun into the neighbouring array", overrun_into_neighbour<false>, overrun_into_neighbour<true>,
       Fault::kOutOfBounds, 1, 64},
      {"overrun of dynamic shared memory", dynamic_overrun<false>, dynamic_overrun<true>, Fault::kOutOfBounds, 1, 64,
       32 * sizeof(float)},
      {"misaligned shared vector", misaligned_shared<false>, misaligned_shared<true>, Fault::kMisaligned, 1, 64},
      {"uninitialised shared memory", uninitialised_shared<false>, uninitialised_shared<true>, Fault::kUninitialised, 1,
       64, 0, true},
  };
}

}  // namespace assay::cuda_sim
