// SPDX-License-Identifier: Apache-2.0
#include "kernels/conv/depthwise_conv.h"

namespace assay::kernels {

void depthwise_conv_cpu(const DepthwiseConvArgs& args);                      // depthwise_conv_cpu.cc
void depthwise_conv_cuda(const DepthwiseConvArgs& args, void* cuda_stream);  // depthwise_conv_cuda.cu

const KernelTable<DepthwiseConvArgs> depthwise_conv = {"depthwise_conv", depthwise_conv_cpu,
                                                       ASSAY_CUDA_KERNEL(depthwise_conv_cuda)};

}  // namespace assay::kernels
