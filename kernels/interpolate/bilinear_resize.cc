// SPDX-License-Identifier: Apache-2.0
#include "kernels/interpolate/bilinear_resize.h"

namespace assay::kernels {

void bilinear_resize_cpu(const BilinearResizeArgs& args);                      // bilinear_resize_cpu.cc
void bilinear_resize_cuda(const BilinearResizeArgs& args, void* cuda_stream);  // bilinear_resize_cuda.cu

const KernelTable<BilinearResizeArgs> bilinear_resize = {"bilinear_resize", bilinear_resize_cpu,
                                                         ASSAY_CUDA_KERNEL(bilinear_resize_cuda)};

}  // namespace assay::kernels
