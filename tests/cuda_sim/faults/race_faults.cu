// SPDX-License-Identifier: Apache-2.0
#include "tests/cuda_sim/faults/faulty_kernels.h"

namespace assay::cuda_sim {

// Whichever of two accesses comes second is reported, so both lines are marked.

template <bool kFaulty>
__global__ void missing_barrier(const float* x, float* y, int n) {
  __shared__ float numbers[64];
  const int i = static_cast<int>(threadIdx.x);
  numbers[i] = x[i];  // fault
  if (!kFaulty) __syncthreads();
  y[i] = numbers[i ^ 1];  // fault
}

// The barrier between reading a tile and writing the next one.
template <bool kFaulty>
__global__ void missing_second_barrier(const float* x, float* y, int n) {
  __shared__ float numbers[64];
  const int i = static_cast<int>(threadIdx.x);
  float sum = 0.0f;
#pragma unroll 1
  for (int round = 0; round < 3; ++round) {
    numbers[i] = x[i];  // fault
    __syncthreads();
    sum += numbers[63 - i];  // fault
    if (!kFaulty) __syncthreads();
  }
  y[i] = sum;
}

// Inside one warp: lockstep is no barrier.
template <bool kFaulty>
__global__ void missing_syncwarp(const float* x, float* y, int n) {
  __shared__ float numbers[64];
  const int i = static_cast<int>(threadIdx.x);
  numbers[i] = x[i];  // fault
  if (!kFaulty) __syncwarp();
  y[i] = numbers[i ^ 16];  // fault
}

// A barrier of two warps orders these two, not the others.
template <bool kFaulty>
__global__ void barrier_of_other_warps(const float* x, float* y, int n) {
  __shared__ float numbers[128];
  const int i = static_cast<int>(threadIdx.x);
  numbers[i] = x[i % 64];  // fault
  if (i < 64) {
    asm volatile("bar.sync 1, 64;" ::: "memory");
  } else {
    asm volatile("bar.sync 2, 64;" ::: "memory");
  }
  const float other = numbers[kFaulty ? 127 - i : i ^ 32];  // fault
  if (i < n) y[i] = other;
}

template <bool kFaulty>
__global__ void blocks_without_atomic(const float* x, float* y, int n) {
  if (threadIdx.x != 0) return;
  if (kFaulty) {
    y[0] = x[0];  // fault
  } else {
    atomicExch(&y[0], x[0]);
  }
}

// Halves of one word are two things.
template <bool kFaulty>
__global__ void halves_of_a_word(const float* x, float* y, int n) {
  auto* halves = reinterpret_cast<unsigned short*>(y);
  const int i = static_cast<int>(threadIdx.x);
  halves[kFaulty ? i / 2 : i] = static_cast<unsigned short>(x[0]);  // fault
}

template <bool kFaulty>
__global__ void copy_not_waited_for(const float* x, float* y, int n) {
  __shared__ alignas(16) float numbers[2][256];
  const int i = static_cast<int>(threadIdx.x);
  for (int stage = 0; stage < 2; ++stage) {
    const unsigned to = static_cast<unsigned>(__cvta_generic_to_shared(&numbers[stage][4 * i]));
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;\n\tcp.async.commit_group;" ::"r"(to), "l"(x) : "memory");
  }
  if (kFaulty) {
    asm volatile("cp.async.wait_group 1;" ::: "memory");
  } else {
    asm volatile("cp.async.wait_group 0;" ::: "memory");
  }
  y[i] = numbers[1][4 * i];  // fault
}

std::vector<FaultyKernel> race_faults() {
  return {
      {"missing barrier", missing_barrier<false>, missing_barrier<true>, Fault::kRace, 1, 64, 0, true},
      {"missing second barrier", missing_second_barrier<false>, missing_second_barrier<true>, Fault::kRace, 1, 64, 0,
       true},
      {"missing __syncwarp", missing_syncwarp<false>, missing_syncwarp<true>, Fault::kRace, 1, 64, 0, true},
      {"barrier of other warps", barrier_of_other_warps<false>, barrier_of_other_warps<true>, Fault::kRace, 1, 128, 0,
       true},
      {"blocks without an atomic", blocks_without_atomic<false>, blocks_without_atomic<true>, Fault::kRace, 2, 64, 0,
       true},
      {"halves of a word", halves_of_a_word<false>, halves_of_a_word<true>, Fault::kRace, 1, 64, 0, true},
      {"copy not waited for", copy_not_waited_for<false>, copy_not_waited_for<true>, Fault::kUninitialised, 1, 64, 0,
       true},
  };
}

}  // namespace assay::cuda_sim
