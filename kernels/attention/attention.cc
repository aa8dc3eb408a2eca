// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention/attention.h"

namespace assay::kernels {

void attention_forward_cpu(const AttentionForwardArgs& args);                        // attention_cpu.cc
void attention_backward_cpu(const AttentionBackwardArgs& args);                      // attention_cpu.cc
void attention_forward_cuda(const AttentionForwardArgs& args, void* cuda_stream);    // attention_cuda.cu
void attention_backward_cuda(const AttentionBackwardArgs& args, void* cuda_stream);  // attention_backward_cuda.cu

const KernelTable<AttentionForwardArgs> attention_forward = {"attention_forward", attention_forward_cpu,
                                                             ASSAY_CUDA_KERNEL(attention_forward_cuda)};
const KernelTable<AttentionBackwardArgs> attention_backward = {"attention_backward", attention_backward_cpu,
                                                               ASSAY_CUDA_KERNEL(attention_backward_cuda)};

}  // namespace assay::kernels
