// SPDX-License-Identifier: Apache-2.0
#include "kernels/statistics/radix_select.h"

namespace assay::kernels {

void radix_select_cpu(const RadixSelectArgs& args);                      // radix_select_cpu.cc
void radix_select_cuda(const RadixSelectArgs& args, void* cuda_stream);  // radix_select_cuda.cu

const KernelTable<RadixSelectArgs> radix_select = {"radix_select", radix_select_cpu,
                                                   ASSAY_CUDA_KERNEL(radix_select_cuda)};

int64_t radix_select_workspace_bytes(Backend backend, int64_t rows, int64_t num_ranks) {
  // On CUDA 256 counters of 8 bytes for each value asked for, and 16 bytes of state.
  return backend == Backend::kCpu ? 0 : rows * num_ranks * (256 * 8 + 16);
}

}  // namespace assay::kernels
