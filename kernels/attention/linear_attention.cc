// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention/linear_attention.h"

namespace assay::kernels {

void linear_attention_forward_cpu(const LinearAttentionForwardArgs& args);                        // _cpu.cc
void linear_attention_backward_cpu(const LinearAttentionBackwardArgs& args);                      // _cpu.cc
void linear_attention_forward_cuda(const LinearAttentionForwardArgs& args, void* cuda_stream);    // _cuda.cu
void linear_attention_backward_cuda(const LinearAttentionBackwardArgs& args, void* cuda_stream);  // _cuda.cu

const KernelTable<LinearAttentionForwardArgs> linear_attention_forward = {
    "linear_attention_forward", linear_attention_forward_cpu, ASSAY_CUDA_KERNEL(linear_attention_forward_cuda)};
const KernelTable<LinearAttentionBackwardArgs> linear_attention_backward = {
    "linear_attention_backward", linear_attention_backward_cpu, ASSAY_CUDA_KERNEL(linear_attention_backward_cuda)};

}  // namespace assay::kernels
