// SPDX-License-Identifier: Apache-2.0
#include "kernels/coreset/greedy_k_center.h"

#include "kernels/coreset/byte_centers.h"
#include "kernels/coreset/lazy_scratch.h"

namespace assay::kernels {

void greedy_k_center_cpu(const GreedyKCenterArgs& args);                      // greedy_k_center_cpu.cc
void greedy_k_center_cuda(const GreedyKCenterArgs& args, void* cuda_stream);  // greedy_k_center_cuda.cu

const KernelTable<GreedyKCenterArgs> greedy_k_center = {"greedy_k_center", greedy_k_center_cpu,
                                                        ASSAY_CUDA_KERNEL(greedy_k_center_cuda)};

int64_t greedy_k_center_workspace_bytes(int64_t num_points, int64_t dim, int64_t count, Backend backend) {
  constexpr int64_t kKeyBytes = 3 * sizeof(uint64_t);
  if (backend == Backend::kCuda) return kKeyBytes + num_points * static_cast<int64_t>(sizeof(float));
  return LazyScratch::bytes(num_points) + ByteCenters::bytes(num_points, dim, count);
}

}  // namespace assay::kernels
