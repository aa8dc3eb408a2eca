// SPDX-License-Identifier: Apache-2.0
#include "kernels/statistics/top_share_mean.h"

#include "kernels/statistics/radix_select.h"

namespace assay::kernels {

void top_share_mean_cpu(const TopShareMeanArgs& args);                      // top_share_mean_cpu.cc
void top_share_mean_cuda(const TopShareMeanArgs& args, void* cuda_stream);  // top_share_mean_cuda.cu

const KernelTable<TopShareMeanArgs> top_share_mean = {"top_share_mean", top_share_mean_cpu,
                                                      ASSAY_CUDA_KERNEL(top_share_mean_cuda)};

int64_t top_share_mean_workspace_bytes(Backend backend, int64_t rows, int64_t cols, double share) {
  constexpr int64_t kFloatBytes = sizeof(float);
  if (backend == Backend::kCpu) return rows * top_share_count(cols, share) * kFloatBytes;
  return radix_select_workspace_bytes(backend, rows, 1) + rows * kFloatBytes;
}

}  // namespace assay::kernels
