// SPDX-License-Identifier: Apache-2.0
// Conversion on CUDA: four elements a thread, float4 on one side and ushort4 on the other, where both are aligned. By
// the integer arithmetic of the CPU version, so that NaNs get the same bits. Bound by memory.
#include <cuda_runtime.h>

#include <algorithm>

#include "kernels/base/cuda_check.h"
#include "kernels/elementwise/convert_bfloat16.h"

namespace assay::kernels {

constexpr int kConvertThreads = 256;
constexpr int64_t kConvertBlocks = 132 * 8;  // eight blocks of 256 threads fill each multiprocessor of an H100

__device__ __forceinline__ uint16_t nearest_bfloat16(float x) {
  const uint32_t bits = __float_as_uint(x);
  const bool is_nan = (bits & 0x7fffffff) > 0x7f800000;
  return static_cast<uint16_t>(is_nan ? bits >> 16 | 0x40 : (bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

__device__ __forceinline__ float widened_bfloat16(uint16_t x) { return __uint_as_float(uint32_t{x} << 16); }

// ---- Kernels

// Budget: 32 registers, 0 bytes shared.
__global__ void __launch_bounds__(kConvertThreads) to_bfloat16_four_per_thread(ToBfloat16Args a, int64_t fours) {
  const int64_t thread = int64_t{blockIdx.x} * kConvertThreads + threadIdx.x;
  const int64_t threads = int64_t{gridDim.x} * kConvertThreads;
  for (int64_t i = thread; i < fours; i += threads) {
    const float4 v = reinterpret_cast<const float4*>(a.x)[i];
    reinterpret_cast<ushort4*>(a.y)[i] = {nearest_bfloat16(v.x), nearest_bfloat16(v.y), nearest_bfloat16(v.z),
                                          nearest_bfloat16(v.w)};
  }
  for (int64_t i = fours * 4 + thread; i < a.count; i += threads) a.y[i] = nearest_bfloat16(a.x[i]);
}

// Budget: 32 registers, 0 bytes shared.
__global__ void __launch_bounds__(kConvertThreads) from_bfloat16_four_per_thread(FromBfloat16Args a, int64_t fours) {
  const int64_t thread = int64_t{blockIdx.x} * kConvertThreads + threadIdx.x;
  const int64_t threads = int64_t{gridDim.x} * kConvertThreads;
  for (int64_t i = thread; i < fours; i += threads) {
    const ushort4 v = reinterpret_cast<const ushort4*>(a.x)[i];
    reinterpret_cast<float4*>(a.y)[i] = {widened_bfloat16(v.x), widened_bfloat16(v.y), widened_bfloat16(v.z),
                                         widened_bfloat16(v.w)};
  }
  for (int64_t i = fours * 4 + thread; i < a.count; i += threads) a.y[i] = widened_bfloat16(a.x[i]);
}

// ---- Launchers

namespace {

// How many runs of four can be moved as vectors: none where either side is not aligned.
int64_t convertible_fours(const float* wide, const uint16_t* narrow, int64_t count) {
  const bool aligned = reinterpret_cast<uintptr_t>(wide) % 16 == 0 && reinterpret_cast<uintptr_t>(narrow) % 8 == 0;
  return aligned ? count / 4 : 0;
}

int64_t convert_blocks(int64_t count, int64_t fours) {
  const int64_t items = fours > 0 ? fours : count;
  return std::min((items + kConvertThreads - 1) / kConvertThreads, kConvertBlocks);
}

}  // namespace

void to_bfloat16_cuda(const ToBfloat16Args& args, void* cuda_stream) {
  if (args.count == 0) return;
  const int64_t fours = convertible_fours(args.x, args.y, args.count);
  const dim3 grid = cuda_grid("to_bfloat16", convert_blocks(args.count, fours)), block(kConvertThreads);
  to_bfloat16_four_per_thread<<<grid, block, 0, static_cast<cudaStream_t>(cuda_stream)>>>(args, fours);
  ASSAY_CUDA_CHECK_LAUNCH("to_bfloat16", grid, block);
}

void from_bfloat16_cuda(const FromBfloat16Args& args, void* cuda_stream) {
  if (args.count == 0) return;
  const int64_t fours = convertible_fours(args.y, args.x, args.count);
  const dim3 grid = cuda_grid("from_bfloat16", convert_blocks(args.count, fours)), block(kConvertThreads);
  from_bfloat16_four_per_thread<<<grid, block, 0, static_cast<cudaStream_t>(cuda_stream)>>>(args, fours);
  ASSAY_CUDA_CHECK_LAUNCH("from_bfloat16", grid, block);
}

}  // namespace assay::kernels
