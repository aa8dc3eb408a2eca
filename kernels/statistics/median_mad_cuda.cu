// SPDX-License-Identifier: Apache-2.0
// Median and MAD on CUDA: radix_select of the middle ranks, their mean, and the same again for the deviations, which
// the selection forms as it reads.
#include <cuda_runtime.h>

#include "kernels/base/cuda_check.h"
#include "kernels/statistics/median_mad.h"
#include "kernels/statistics/radix_select.h"

namespace assay::kernels {

void radix_select_cuda(const RadixSelectArgs& args, void* cuda_stream);  // radix_select_cuda.cu

// ---- Kernels

constexpr int kMiddleThreads = 128;

// Budget: 24 registers, 0 bytes shared.
__global__ void __launch_bounds__(kMiddleThreads)
    median_mad_middle_thread_per_row(const float* values, int64_t num_values, int64_t rows, float* middle) {
  const int64_t row = int64_t{blockIdx.x} * kMiddleThreads + threadIdx.x;
  if (row >= rows) return;
  const float low = values[row * num_values];
  middle[row] =
      num_values == 1 ? low : static_cast<float>((static_cast<double>(low) + values[row * num_values + 1]) / 2);
}

// ---- Launcher

void median_mad_cuda(const MedianMadArgs& args, void* cuda_stream) {
  if (args.rows == 0) return;
  const int64_t num_values = num_middle_values(args.cols);
  char* scratch = static_cast<char*>(args.workspace);
  float* values = reinterpret_cast<float*>(scratch + radix_select_workspace_bytes(Backend::kCuda, args.rows, 2));
  const dim3 grid = cuda_grid("median_mad", (args.rows + kMiddleThreads - 1) / kMiddleThreads);
  RadixSelectArgs select = {args.x,     nullptr, values, args.rows, args.cols, first_middle_rank(args.cols),
                            num_values, scratch};
  for (float* middle : {args.median, args.mad}) {
    if (middle == nullptr) continue;
    radix_select_cuda(select, cuda_stream);
    median_mad_middle_thread_per_row<<<grid, kMiddleThreads, 0, static_cast<cudaStream_t>(cuda_stream)>>>(
        values, num_values, args.rows, middle);
    ASSAY_CUDA_CHECK_LAUNCH("median_mad", grid, kMiddleThreads);
    select.center = args.median;
  }
}

}  // namespace assay::kernels
