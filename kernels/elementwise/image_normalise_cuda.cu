// SPDX-License-Identifier: Apache-2.0
// Image normalisation on CUDA, bound by memory: four pixels per thread, twelve bytes in and three float4 out, where the
// arrays are aligned for that. A block then writes one run of 12 KB.
#include <cuda_runtime.h>

#include "kernels/base/cuda_check.h"
#include "kernels/elementwise/image_normalise.h"

namespace assay::kernels {

// ---- Device helpers

// Byte `byte` of a word, normalised by channel `channel`; both are known when compiling.
__device__ inline float normalised(const ImageNormaliseArgs& a, uint32_t word, int byte, int channel) {
  return __fdiv_rn(__fsub_rn(static_cast<float>(word >> 8 * byte & 255u), a.mean[channel]), a.deviation[channel]);
}

// ---- Kernels

constexpr int kNormaliseThreads = 256;
constexpr int64_t kPixelGroup = 4;  // the fewest whole pixels in whole words

// Pixels begin and on, one per thread: the unaligned case, and the tail of the other.
// Budget: 40 registers, 0 bytes shared.
__global__ void __launch_bounds__(kNormaliseThreads)
    image_normalise_thread_per_pixel(ImageNormaliseArgs a, int64_t begin) {
  const int64_t i = begin + int64_t{blockIdx.x} * kNormaliseThreads + threadIdx.x;
  if (i >= a.pixels) return;
#pragma unroll
  for (int c = 0; c < 3; ++c) a.y[3 * i + c] = normalised(a, a.x[3 * i + c], 0, c);
}

// Budget: 48 registers, 0 bytes shared.
__global__ void __launch_bounds__(kNormaliseThreads)
    image_normalise_thread_per_four(ImageNormaliseArgs a, int64_t groups) {
  const int64_t i = int64_t{blockIdx.x} * kNormaliseThreads + threadIdx.x;
  if (i >= groups) return;
  const uint32_t* x = reinterpret_cast<const uint32_t*>(a.x) + 3 * i;
  float4* y = reinterpret_cast<float4*>(a.y) + 3 * i;
#pragma unroll
  for (int w = 0; w < 3; ++w) {  // word w begins with channel 4 w mod 3 = w
    const uint32_t word = x[w];
    y[w] = {normalised(a, word, 0, w % 3), normalised(a, word, 1, (w + 1) % 3), normalised(a, word, 2, (w + 2) % 3),
            normalised(a, word, 3, w % 3)};
  }
}

// ---- Launcher

void image_normalise_cuda(const ImageNormaliseArgs& args, void* cuda_stream) {
  const auto stream = static_cast<cudaStream_t>(cuda_stream);
  const dim3 block(kNormaliseThreads);
  const auto blocks = [](int64_t threads) {
    return cuda_grid("image_normalise", (threads + kNormaliseThreads - 1) / kNormaliseThreads);
  };
  const bool aligned = reinterpret_cast<uintptr_t>(args.x) % 4 == 0 && reinterpret_cast<uintptr_t>(args.y) % 16 == 0;
  const int64_t groups = aligned ? args.pixels / kPixelGroup : 0;
  if (groups > 0) {
    const dim3 grid = blocks(groups);
    image_normalise_thread_per_four<<<grid, block, 0, stream>>>(args, groups);
    ASSAY_CUDA_CHECK_LAUNCH("image_normalise", grid, block);
  }
  const int64_t done = groups * kPixelGroup;
  if (done == args.pixels) return;
  const dim3 grid = blocks(args.pixels - done);
  image_normalise_thread_per_pixel<<<grid, block, 0, stream>>>(args, done);
  ASSAY_CUDA_CHECK_LAUNCH("image_normalise", grid, block);
}

}  // namespace assay::kernels
