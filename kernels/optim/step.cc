// SPDX-License-Identifier: Apache-2.0
#include "kernels/optim/step.h"

namespace assay::kernels {

void sgd_step_cpu(const SgdArgs& args);                                       // step_cpu.cc
void adam_step_cpu(const AdamArgs& args);                                     // step_cpu.cc
void stable_adamw_step_cpu(const StableAdamWArgs& args);                      // step_cpu.cc
void gradient_norm_cpu(const GradientNormArgs& args);                         // step_cpu.cc
void sgd_step_cuda(const SgdArgs& args, void* cuda_stream);                   // step_cuda.cu
void adam_step_cuda(const AdamArgs& args, void* cuda_stream);                 // step_cuda.cu
void stable_adamw_step_cuda(const StableAdamWArgs& args, void* cuda_stream);  // step_cuda.cu
void gradient_norm_cuda(const GradientNormArgs& args, void* cuda_stream);     // step_cuda.cu

const KernelTable<SgdArgs> sgd_step = {"sgd_step", sgd_step_cpu, ASSAY_CUDA_KERNEL(sgd_step_cuda)};
const KernelTable<AdamArgs> adam_step = {"adam_step", adam_step_cpu, ASSAY_CUDA_KERNEL(adam_step_cuda)};
const KernelTable<StableAdamWArgs> stable_adamw_step = {"stable_adamw_step", stable_adamw_step_cpu,
                                                        ASSAY_CUDA_KERNEL(stable_adamw_step_cuda)};
const KernelTable<GradientNormArgs> gradient_norm = {"gradient_norm", gradient_norm_cpu,
                                                     ASSAY_CUDA_KERNEL(gradient_norm_cuda)};

}  // namespace assay::kernels
