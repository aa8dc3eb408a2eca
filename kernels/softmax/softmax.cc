// SPDX-License-Identifier: Apache-2.0
#include "kernels/softmax/softmax.h"

namespace assay::kernels {

void softmax_forward_cpu(const SoftmaxForwardArgs& args);                        // softmax_cpu.cc
void softmax_backward_cpu(const SoftmaxBackwardArgs& args);                      // softmax_cpu.cc
void softmax_forward_cuda(const SoftmaxForwardArgs& args, void* cuda_stream);    // softmax_cuda.cu
void softmax_backward_cuda(const SoftmaxBackwardArgs& args, void* cuda_stream);  // softmax_cuda.cu

const KernelTable<SoftmaxForwardArgs> softmax_forward = {"softmax_forward", softmax_forward_cpu,
                                                         ASSAY_CUDA_KERNEL(softmax_forward_cuda)};
const KernelTable<SoftmaxBackwardArgs> softmax_backward = {"softmax_backward", softmax_backward_cpu,
                                                           ASSAY_CUDA_KERNEL(softmax_backward_cuda)};

}  // namespace assay::kernels
