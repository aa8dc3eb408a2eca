// SPDX-License-Identifier: Apache-2.0
#include "kernels/conv/conv2d.h"

namespace assay::kernels {

void conv2d_cpu(const Conv2dArgs& args);                                    // conv2d_cpu.cc
void conv2d_cudnn_cuda(const Conv2dArgs& args, void* cuda_stream);          // conv2d_cudnn.cc
void conv2d_implicit_gemm_cuda(const Conv2dArgs& args, void* cuda_stream);  // conv2d_implicit_gemm_cuda.cu

const KernelTable<Conv2dArgs> conv2d = {"conv2d", conv2d_cpu,
                                        ASSAY_CUDA_VENDOR_KERNEL(conv2d_cudnn_cuda, conv2d_implicit_gemm_cuda)};
const KernelTable<Conv2dArgs> conv2d_implicit_gemm = {"conv2d_implicit_gemm", conv2d_cpu,
                                                      ASSAY_CUDA_KERNEL(conv2d_implicit_gemm_cuda)};

}  // namespace assay::kernels
