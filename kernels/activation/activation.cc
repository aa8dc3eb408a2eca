// SPDX-License-Identifier: Apache-2.0
#include "kernels/activation/activation.h"

namespace assay::kernels {

void activation_forward_cpu(const ActivationForwardArgs& args);                        // activation_cpu.cc
void activation_backward_cpu(const ActivationBackwardArgs& args);                      // activation_cpu.cc
void activation_forward_cuda(const ActivationForwardArgs& args, void* cuda_stream);    // activation_cuda.cu
void activation_backward_cuda(const ActivationBackwardArgs& args, void* cuda_stream);  // activation_cuda.cu

const KernelTable<ActivationForwardArgs> activation_forward = {"activation_forward", activation_forward_cpu,
                                                               ASSAY_CUDA_KERNEL(activation_forward_cuda)};
const KernelTable<ActivationBackwardArgs> activation_backward = {"activation_backward", activation_backward_cpu,
                                                                 ASSAY_CUDA_KERNEL(activation_backward_cuda)};

}  // namespace assay::kernels
