// SPDX-License-Identifier: Apache-2.0
#include "kernels/reduce/total.h"

namespace assay::kernels {

void total_cpu(const TotalArgs& args);                      // total_cpu.cc
void total_cuda(const TotalArgs& args, void* cuda_stream);  // total_cuda.cu

const KernelTable<TotalArgs> total = {"total", total_cpu, ASSAY_CUDA_KERNEL(total_cuda)};

}  // namespace assay::kernels
