// SPDX-License-Identifier: Apache-2.0
#include "kernels/statistics/median_mad.h"

#include "kernels/statistics/radix_select.h"

namespace assay::kernels {

void median_mad_cpu(const MedianMadArgs& args);                      // median_mad_cpu.cc
void median_mad_cuda(const MedianMadArgs& args, void* cuda_stream);  // median_mad_cuda.cu

const KernelTable<MedianMadArgs> median_mad = {"median_mad", median_mad_cpu, ASSAY_CUDA_KERNEL(median_mad_cuda)};

int64_t median_mad_workspace_bytes(Backend backend, int64_t rows) {
  if (backend == Backend::kCpu) return 0;
  return radix_select_workspace_bytes(backend, rows, 2) + rows * 2 * static_cast<int64_t>(sizeof(float));
}

}  // namespace assay::kernels
