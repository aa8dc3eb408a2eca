// SPDX-License-Identifier: Apache-2.0
// Chains in registers, long enough that loading and storing do not count, and enough of them to hide the latency of a
// unit; a read of memory in whole lines.
#include <cuda_runtime.h>

#include "kernels/base/check.h"
#include "kernels/base/cuda_check.h"
#include "kernels/base/tensor_core.cuh"
#include "tools/bench/device_limits.h"

namespace assay::bench {

constexpr int kFmaChains = 8;  // a unit's latency is some 4 instructions, and 8 warps share each of 4 schedulers
constexpr int kMmaChains = 4;  // independent tiles of a warp: 16 registers of sums

// ---- Device helpers

// Elements along K of one product, and a register full of ones.
template <Arithmetic kArithmetic>
struct Mma;
template <>
struct Mma<Arithmetic::kTf32> {
  using Sum = float;
  static constexpr int kDepth = 8;
  static constexpr uint32_t kOnes = 0x3f800000u;
  static __device__ void multiply_add(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    multiply_add_tf32(c, a, b);
  }
};
template <>
struct Mma<Arithmetic::kFloat16> {
  using Sum = float;
  static constexpr int kDepth = 16;
  static constexpr uint32_t kOnes = 0x3c003c00u;
  static __device__ void multiply_add(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    multiply_add_float16(c, a, b);
  }
};
template <>
struct Mma<Arithmetic::kBfloat16> {
  using Sum = float;
  static constexpr int kDepth = 16;
  static constexpr uint32_t kOnes = 0x3f803f80u;
  static __device__ void multiply_add(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    multiply_add_bfloat16(c, a, b);
  }
};
template <>
struct Mma<Arithmetic::kInt8> {
  using Sum = int32_t;
  static constexpr int kDepth = 32;
  static constexpr uint32_t kOnes = 0x01010101u;
  static __device__ void multiply_add(int32_t (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    multiply_add_int8(c, a, b);
  }
};

// ---- Kernels

// Chain c of a thread: x = x / 2 + 1 / 2 from c on, whose sum after s steps is chains + (sum of c - 1) / 2^s.
// Budget: 40 registers, 0 bytes shared.
template <class T>
__global__ void __launch_bounds__(kLimitThreads) fma_limit_chains_in_registers(int steps, T half, float* sink) {
  T sums[kFmaChains];
#pragma unroll
  for (int c = 0; c < kFmaChains; ++c) sums[c] = static_cast<T>(c);
  for (int step = 0; step < steps; ++step) {
#pragma unroll
    for (int c = 0; c < kFmaChains; ++c) sums[c] = fma(sums[c], half, half);
  }
  T total = 0;
#pragma unroll
  for (int c = 0; c < kFmaChains; ++c) total += sums[c];
  sink[blockIdx.x * kLimitThreads + threadIdx.x] = static_cast<float>(total);
}

// Products of matrices of ones. The ones are arguments, so that the compiler does not know them.
// Budget: 40 registers, 0 bytes shared.
template <Arithmetic kArithmetic>
__global__ void __launch_bounds__(kLimitThreads) mma_limit_chains_in_registers(int steps, uint32_t ones, float* sink) {
  typename Mma<kArithmetic>::Sum sums[kMmaChains][4] = {};
  const uint32_t a[4] = {ones, ones, ones, ones}, b[2] = {ones, ones};
  for (int step = 0; step < steps; ++step) {
#pragma unroll
    for (int c = 0; c < kMmaChains; ++c) Mma<kArithmetic>::multiply_add(sums[c], a, b);
  }
  float total = 0;
#pragma unroll
  for (int c = 0; c < kMmaChains; ++c) {
#pragma unroll
    for (int i = 0; i < 4; ++i) total += static_cast<float>(sums[c][i]);
  }
  sink[blockIdx.x * kLimitThreads + threadIdx.x] = total;
}

// Budget: 40 registers, 0 bytes shared.
__global__ void __launch_bounds__(kLimitThreads)
    read_limit_grid_stride(const float4* memory, int64_t count, float* sink) {
  float total = 0;
  const int64_t stride = int64_t{gridDim.x} * kLimitThreads;
  for (int64_t i = int64_t{blockIdx.x} * kLimitThreads + threadIdx.x; i < count; i += stride) {
    const float4 v = memory[i];
    total += v.x + v.y + v.z + v.w;
  }
  sink[blockIdx.x * kLimitThreads + threadIdx.x] = total;
}

// ---- Launchers

template <class T>
void launch_fma(int blocks, int steps, float* sink) {
  fma_limit_chains_in_registers<T><<<blocks, kLimitThreads>>>(steps, static_cast<T>(0.5), sink);
  ASSAY_CUDA_CHECK_LAUNCH("fma_limit", dim3(blocks), dim3(kLimitThreads));
}

template <Arithmetic kArithmetic>
void launch_mma(int blocks, int steps, float* sink) {
  mma_limit_chains_in_registers<kArithmetic><<<blocks, kLimitThreads>>>(steps, Mma<kArithmetic>::kOnes, sink);
  ASSAY_CUDA_CHECK_LAUNCH("mma_limit", dim3(blocks), dim3(kLimitThreads));
}

// What one step of one chain does: for float32 and float64 by each thread, for the others by each warp.
template <Arithmetic kArithmetic>
double mma_flop(int blocks, int steps) {
  return 2.0 * 16 * 8 * Mma<kArithmetic>::kDepth * kMmaChains * steps * blocks * (kLimitThreads / 32);
}

void launch_multiply_add_limit(Arithmetic arithmetic, int blocks, int steps, float* sink) {
  switch (arithmetic) {
    case Arithmetic::kFloat32:
      return launch_fma<float>(blocks, steps, sink);
    case Arithmetic::kFloat64:
      return launch_fma<double>(blocks, steps, sink);
    case Arithmetic::kTf32:
      return launch_mma<Arithmetic::kTf32>(blocks, steps, sink);
    case Arithmetic::kFloat16:
      return launch_mma<Arithmetic::kFloat16>(blocks, steps, sink);
    case Arithmetic::kBfloat16:
      return launch_mma<Arithmetic::kBfloat16>(blocks, steps, sink);
    case Arithmetic::kInt8:
      return launch_mma<Arithmetic::kInt8>(blocks, steps, sink);
    case Arithmetic::kThreeTf32:
      break;
  }
  throw Error("multiply_add_limit: no such unit");
}

double multiply_add_limit_flop(Arithmetic arithmetic, int blocks, int steps) {
  switch (arithmetic) {
    case Arithmetic::kFloat32:
    case Arithmetic::kFloat64:
      return 2.0 * kFmaChains * steps * blocks * kLimitThreads;
    case Arithmetic::kTf32:
      return mma_flop<Arithmetic::kTf32>(blocks, steps);
    case Arithmetic::kFloat16:
      return mma_flop<Arithmetic::kFloat16>(blocks, steps);
    case Arithmetic::kBfloat16:
      return mma_flop<Arithmetic::kBfloat16>(blocks, steps);
    case Arithmetic::kInt8:
      return mma_flop<Arithmetic::kInt8>(blocks, steps);
    case Arithmetic::kThreeTf32:
      break;
  }
  throw Error("multiply_add_limit: no such unit");
}

void launch_read_limit(const float* memory, int64_t count, int blocks, float* sink) {
  read_limit_grid_stride<<<blocks, kLimitThreads>>>(reinterpret_cast<const float4*>(memory), count / 4, sink);
  ASSAY_CUDA_CHECK_LAUNCH("read_limit", dim3(blocks), dim3(kLimitThreads));
}

}  // namespace assay::bench
