// SPDX-License-Identifier: Apache-2.0
#include "kernels/dropout/dropout.h"

namespace assay::kernels {

void dropout_forward_cpu(const DropoutForwardArgs& args);                        // dropout_cpu.cc
void dropout_backward_cpu(const DropoutBackwardArgs& args);                      // dropout_cpu.cc
void dropout_forward_cuda(const DropoutForwardArgs& args, void* cuda_stream);    // dropout_cuda.cu
void dropout_backward_cuda(const DropoutBackwardArgs& args, void* cuda_stream);  // dropout_cuda.cu

const KernelTable<DropoutForwardArgs> dropout_forward = {"dropout_forward", dropout_forward_cpu,
                                                         ASSAY_CUDA_KERNEL(dropout_forward_cuda)};
const KernelTable<DropoutBackwardArgs> dropout_backward = {"dropout_backward", dropout_backward_cpu,
                                                           ASSAY_CUDA_KERNEL(dropout_backward_cuda)};

}  // namespace assay::kernels
