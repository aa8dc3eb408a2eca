// SPDX-License-Identifier: Apache-2.0
#include "kernels/pool/max_pool.h"

namespace assay::kernels {

void max_pool_cpu(const MaxPoolArgs& args);                      // max_pool_cpu.cc
void max_pool_cuda(const MaxPoolArgs& args, void* cuda_stream);  // max_pool_cuda.cu

const KernelTable<MaxPoolArgs> max_pool = {"max_pool", max_pool_cpu, ASSAY_CUDA_KERNEL(max_pool_cuda)};

}  // namespace assay::kernels
