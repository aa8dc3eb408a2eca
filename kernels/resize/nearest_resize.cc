// SPDX-License-Identifier: Apache-2.0
#include "kernels/resize/nearest_resize.h"

namespace assay::kernels {

void nearest_resize_cpu(const NearestResizeArgs& args);                      // nearest_resize_cpu.cc
void nearest_resize_cuda(const NearestResizeArgs& args, void* cuda_stream);  // nearest_resize_cuda.cu

const KernelTable<NearestResizeArgs> nearest_resize = {"nearest_resize", nearest_resize_cpu,
                                                       ASSAY_CUDA_KERNEL(nearest_resize_cuda)};

}  // namespace assay::kernels
