// SPDX-License-Identifier: Apache-2.0
#include "kernels/norm/layer_norm.h"

namespace assay::kernels {

void layer_norm_forward_cpu(const LayerNormForwardArgs& args);                        // layer_norm_cpu.cc
void layer_norm_backward_cpu(const LayerNormBackwardArgs& args);                      // layer_norm_cpu.cc
void layer_norm_forward_cuda(const LayerNormForwardArgs& args, void* cuda_stream);    // layer_norm_cuda.cu
void layer_norm_backward_cuda(const LayerNormBackwardArgs& args, void* cuda_stream);  // layer_norm_cuda.cu

const KernelTable<LayerNormForwardArgs> layer_norm_forward = {"layer_norm_forward", layer_norm_forward_cpu,
                                                              ASSAY_CUDA_KERNEL(layer_norm_forward_cuda)};
const KernelTable<LayerNormBackwardArgs> layer_norm_backward = {"layer_norm_backward", layer_norm_backward_cpu,
                                                                ASSAY_CUDA_KERNEL(layer_norm_backward_cuda)};

}  // namespace assay::kernels
