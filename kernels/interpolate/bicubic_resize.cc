// SPDX-License-Identifier: Apache-2.0
#include "kernels/interpolate/bicubic_resize.h"

namespace assay::kernels {

void bicubic_resize_cpu(const BicubicResizeArgs& args);                      // bicubic_resize_cpu.cc
void bicubic_resize_cuda(const BicubicResizeArgs& args, void* cuda_stream);  // bicubic_resize_cuda.cu

const KernelTable<BicubicResizeArgs> bicubic_resize = {"bicubic_resize", bicubic_resize_cpu,
                                                       ASSAY_CUDA_KERNEL(bicubic_resize_cuda)};

}  // namespace assay::kernels
