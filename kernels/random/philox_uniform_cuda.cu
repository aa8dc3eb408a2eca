// SPDX-License-Identifier: Apache-2.0
// Philox numbers on CUDA: a thread per block of four words, stored at once where y is aligned for that. Ten rounds of
// four 32-bit products cost less than the sixteen bytes written.
#include <cuda_runtime.h>

#include "kernels/base/cuda_check.h"
#include "kernels/random/philox.h"
#include "kernels/random/philox_uniform.h"

namespace assay::kernels {

// ---- Kernels

constexpr int kPhiloxThreads = 256;

// Budget: 32 registers, 0 bytes shared.
__global__ void __launch_bounds__(kPhiloxThreads) philox_uniform_thread_per_block(PhiloxUniformArgs a, bool aligned) {
  const int64_t b = int64_t{blockIdx.x} * kPhiloxThreads + threadIdx.x;
  const int64_t i = 4 * b;
  if (i >= a.count) return;
  const PhiloxBlock words = philox_block(a.seed, a.stream, a.first_block + static_cast<uint64_t>(b));
  const float4 y = {uniform_float(words.x[0]), uniform_float(words.x[1]), uniform_float(words.x[2]),
                    uniform_float(words.x[3])};
  if (aligned && i + 4 <= a.count) {
    reinterpret_cast<float4*>(a.y)[b] = y;
    return;
  }
  a.y[i] = y.x;
  if (i + 1 < a.count) a.y[i + 1] = y.y;
  if (i + 2 < a.count) a.y[i + 2] = y.z;
  if (i + 3 < a.count) a.y[i + 3] = y.w;
}

// ---- Launcher

void philox_uniform_cuda(const PhiloxUniformArgs& args, void* cuda_stream) {
  if (args.count == 0) return;
  const bool aligned = reinterpret_cast<uintptr_t>(args.y) % 16 == 0;
  const dim3 block(kPhiloxThreads);
  const dim3 grid = cuda_grid("philox_uniform", ((args.count + 3) / 4 + kPhiloxThreads - 1) / kPhiloxThreads);
  philox_uniform_thread_per_block<<<grid, block, 0, static_cast<cudaStream_t>(cuda_stream)>>>(args, aligned);
  ASSAY_CUDA_CHECK_LAUNCH("philox_uniform", grid, block);
}

}  // namespace assay::kernels
