// SPDX-License-Identifier: Apache-2.0
#include "tests/cuda_sim/faults/faulty_kernels.h"

namespace assay::cuda_sim {

template <bool kFaulty>
__global__ void return_before_barrier(const float* x, float* y, int n) {
  __shared__ float numbers[128];
  const int i = static_cast<int>(threadIdx.x);
  if (kFaulty && i >= n) return;
  numbers[i] = i < n ? x[i] : 0.0f;
  __syncthreads();  // fault
  if (i < n) y[i] = numbers[127 - i < n ? 127 - i : 0];
}

template <bool kFaulty>
__global__ void different_barriers(const float* x, float* y, int n) {
  const int i = static_cast<int>(threadIdx.x);
  y[i] = x[i];
  if (!kFaulty || i < 32) {
    __syncthreads();  // fault
    y[i] += 1.0f;
  } else {
    y[i] *= 3.0f;
    __syncthreads();  // fault
    y[i] -= 2.0f;
  }
}

template <bool kFaulty>
__global__ void shuffle_in_a_branch(const float* x, float* y, int n) {
  const int i = static_cast<int>(threadIdx.x);
  float value = x[i];
  if (!kFaulty || i % 2 == 0) {
    value += __shfl_xor_sync(0xffffffffu, value, 2);  // fault
  } else {
    value += static_cast<float>(__ballot_sync(0xffffffffu, value > 3.0f));  // fault
  }
  y[i] = value;
}

template <bool kFaulty>
__global__ void lane_not_in_its_mask(const float* x, float* y, int n) {
  const int i = static_cast<int>(threadIdx.x);
  const unsigned mask = kFaulty ? 0x0000ffffu : 0xffffffffu;
  y[i] = __shfl_xor_sync(mask, x[i], 1);  // fault
}

template <bool kFaulty>
__global__ void shuffle_from_outside(const float* x, float* y, int n) {
  const int i = static_cast<int>(threadIdx.x);
  float value = x[i];
  if (i % 32 < 16) {
    value = __shfl_sync(0x0000ffffu, value, kFaulty ? i + 16 : 15 - i % 16);  // fault
  }
  y[i] = value;
}

template <bool kFaulty>
__global__ void return_before_shuffle(const float* x, float* y, int n) {
  const int i = static_cast<int>(threadIdx.x);
  if (kFaulty && i % 32 > 20) return;
  y[i] = __shfl_down_sync(0xffffffffu, x[i], 1);  // fault
}

template <bool kFaulty>
__global__ void barrier_nobody_completes(const float* x, float* y, int n) {
  const int i = static_cast<int>(threadIdx.x);
  y[i] = x[i];
  if (i < 32) {
    if (kFaulty) {
      asm volatile("bar.sync 1, 64;" ::: "memory");  // fault
    } else {
      asm volatile("bar.sync 1, 32;" ::: "memory");
    }
  }
  __syncthreads();
  y[i] += x[63 - i];
}

std::vector<FaultyKernel> synchronisation_faults() {
  return {
      {"return before a barrier", return_before_barrier<false>, return_before_barrier<true>, Fault::kDivergence, 1,
       128},
      {"different barriers", different_barriers<false>, different_barriers<true>, Fault::kDivergence, 1, 64},
      {"shuffle in a branch", shuffle_in_a_branch<false>, shuffle_in_a_branch<true>, Fault::kDivergence, 1, 64},
      {"lane not in its mask", lane_not_in_its_mask<false>, lane_not_in_its_mask<true>, Fault::kDivergence, 1, 64},
      {"shuffle from outside the mask", shuffle_from_outside<false>, shuffle_from_outside<true>, Fault::kDivergence, 1,
       64},
      {"return before a shuffle", return_before_shuffle<false>, return_before_shuffle<true>, Fault::kDivergence, 1, 64},
      {"barrier that nobody completes", barrier_nobody_completes<false>, barrier_nobody_completes<true>,
       Fault::kDeadlock, 1, 64},
  };
}

}  // namespace assay::cuda_sim
