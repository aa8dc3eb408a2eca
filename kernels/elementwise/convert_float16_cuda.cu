// SPDX-License-Identifier: Apache-2.0
// float32 to binary16 and back on CUDA, bound by memory: eight elements per thread, 32 bytes on one side and 16 on the
// other, where the arrays are aligned for that. Numbers go through the conversion instructions; they would lose a NaN's
// payload, so NaNs go by their bits.
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include "kernels/base/cuda_check.h"
#include "kernels/elementwise/convert_float16.h"

namespace assay::kernels {

// ---- Device helpers

__device__ inline uint32_t half_bits_of(float x, float ceiling) {
  const uint32_t bits = __float_as_uint(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return (bits >> 16 & 0x8000u) | 0x7e00u | (bits >> 13 & 0x3ffu);
  return __half_as_ushort(__float2half_rn(x > ceiling ? ceiling : x));
}

__device__ inline float float_of_half_bits(uint32_t half) {
  if ((half & 0x7fffu) > 0x7c00u) return __uint_as_float((half & 0x8000u) << 16 | 0x7fc00000u | (half & 0x3ffu) << 13);
  return __half2float(__ushort_as_half(static_cast<unsigned short>(half)));
}

__device__ inline uint32_t half_pair_of(float low, float high, float ceiling) {
  return half_bits_of(low, ceiling) | half_bits_of(high, ceiling) << 16;
}

__device__ inline float2 floats_of_pair(uint32_t pair) {
  return {float_of_half_bits(pair & 0xffffu), float_of_half_bits(pair >> 16)};
}

// ---- Kernels

constexpr int kConvertThreads = 256;
constexpr int64_t kConvertGroup = 8;  // elements that a thread moves at once

// Elements begin .. count - 1, one per thread: the unaligned case, and the tail of the other.
// Budget: 24 registers, 0 bytes shared.
__global__ void __launch_bounds__(kConvertThreads) to_float16_thread_per_element(ToFloat16Args a, int64_t begin) {
  const int64_t i = begin + int64_t{blockIdx.x} * kConvertThreads + threadIdx.x;
  if (i < a.count) a.y[i] = static_cast<uint16_t>(half_bits_of(a.x[i], a.ceiling));
}

// Budget: 32 registers, 0 bytes shared.
__global__ void __launch_bounds__(kConvertThreads) to_float16_thread_per_eight(ToFloat16Args a, int64_t groups) {
  const int64_t i = int64_t{blockIdx.x} * kConvertThreads + threadIdx.x;
  if (i >= groups) return;
  const float4* x = reinterpret_cast<const float4*>(a.x) + 2 * i;
  const float4 low = x[0], high = x[1];
  reinterpret_cast<uint4*>(a.y)[i] = {half_pair_of(low.x, low.y, a.ceiling), half_pair_of(low.z, low.w, a.ceiling),
                                      half_pair_of(high.x, high.y, a.ceiling), half_pair_of(high.z, high.w, a.ceiling)};
}

// Budget: 24 registers, 0 bytes shared.
__global__ void __launch_bounds__(kConvertThreads) from_float16_thread_per_element(FromFloat16Args a, int64_t begin) {
  const int64_t i = begin + int64_t{blockIdx.x} * kConvertThreads + threadIdx.x;
  if (i < a.count) a.y[i] = float_of_half_bits(a.x[i]);
}

// Budget: 32 registers, 0 bytes shared.
__global__ void __launch_bounds__(kConvertThreads) from_float16_thread_per_eight(FromFloat16Args a, int64_t groups) {
  const int64_t i = int64_t{blockIdx.x} * kConvertThreads + threadIdx.x;
  if (i >= groups) return;
  const uint4 pairs = reinterpret_cast<const uint4*>(a.x)[i];
  const float2 first = floats_of_pair(pairs.x), second = floats_of_pair(pairs.y);
  const float2 third = floats_of_pair(pairs.z), fourth = floats_of_pair(pairs.w);
  float4* y = reinterpret_cast<float4*>(a.y) + 2 * i;
  y[0] = {first.x, first.y, second.x, second.y};
  y[1] = {third.x, third.y, fourth.x, fourth.y};
}

// ---- Launchers

// Whole groups by `grouped`, where both arrays are aligned for wide accesses, the rest element by element.
template <class Args>
void launch_conversion(const char* name, const Args& args, void* cuda_stream, void (*grouped)(Args, int64_t),
                       void (*single)(Args, int64_t)) {
  const auto stream = static_cast<cudaStream_t>(cuda_stream);
  const dim3 block(kConvertThreads);
  const auto blocks = [&](int64_t threads) {
    return cuda_grid(name, (threads + kConvertThreads - 1) / kConvertThreads);
  };
  const bool aligned = (reinterpret_cast<uintptr_t>(args.x) | reinterpret_cast<uintptr_t>(args.y)) % 16 == 0;
  const int64_t groups = aligned ? args.count / kConvertGroup : 0;
  if (groups > 0) {
    const dim3 grid = blocks(groups);
    grouped<<<grid, block, 0, stream>>>(args, groups);
    ASSAY_CUDA_CHECK_LAUNCH(name, grid, block);
  }
  const int64_t done = groups * kConvertGroup;
  if (done == args.count) return;
  const dim3 grid = blocks(args.count - done);
  single<<<grid, block, 0, stream>>>(args, done);
  ASSAY_CUDA_CHECK_LAUNCH(name, grid, block);
}

void to_float16_cuda(const ToFloat16Args& args, void* cuda_stream) {
  launch_conversion("to_float16", args, cuda_stream, to_float16_thread_per_eight, to_float16_thread_per_element);
}

void from_float16_cuda(const FromFloat16Args& args, void* cuda_stream) {
  launch_conversion("from_float16", args, cuda_stream, from_float16_thread_per_eight, from_float16_thread_per_element);
}

}  // namespace assay::kernels
