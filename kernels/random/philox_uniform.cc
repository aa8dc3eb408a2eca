// SPDX-License-Identifier: Apache-2.0
#include "kernels/random/philox_uniform.h"

namespace assay::kernels {

void philox_uniform_cpu(const PhiloxUniformArgs& args);                      // philox_uniform_cpu.cc
void philox_uniform_cuda(const PhiloxUniformArgs& args, void* cuda_stream);  // philox_uniform_cuda.cu

const KernelTable<PhiloxUniformArgs> philox_uniform = {"philox_uniform", philox_uniform_cpu,
                                                       ASSAY_CUDA_KERNEL(philox_uniform_cuda)};

}  // namespace assay::kernels
