// SPDX-License-Identifier: Apache-2.0
#include "kernels/arithmetic/combine.h"

namespace assay::kernels {

void combine_cpu(const CombineArgs& args);                      // combine_cpu.cc
void combine_cuda(const CombineArgs& args, void* cuda_stream);  // combine_cuda.cu

const KernelTable<CombineArgs> combine = {"combine", combine_cpu, ASSAY_CUDA_KERNEL(combine_cuda)};

}  // namespace assay::kernels
