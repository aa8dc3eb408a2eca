// SPDX-License-Identifier: Apache-2.0
#include "kernels/pool/average_pool.h"

namespace assay::kernels {

void average_pool_cpu(const AveragePoolArgs& args);                                       // average_pool_cpu.cc
void average_pool_cuda(const AveragePoolArgs& args, void* cuda_stream);                   // average_pool_cuda.cu
void adaptive_average_pool_cpu(const AdaptiveAveragePoolArgs& args);                      // average_pool_cpu.cc
void adaptive_average_pool_cuda(const AdaptiveAveragePoolArgs& args, void* cuda_stream);  // average_pool_cuda.cu

const KernelTable<AveragePoolArgs> average_pool = {"average_pool", average_pool_cpu,
                                                   ASSAY_CUDA_KERNEL(average_pool_cuda)};
const KernelTable<AdaptiveAveragePoolArgs> adaptive_average_pool = {"adaptive_average_pool", adaptive_average_pool_cpu,
                                                                    ASSAY_CUDA_KERNEL(adaptive_average_pool_cuda)};

}  // namespace assay::kernels
