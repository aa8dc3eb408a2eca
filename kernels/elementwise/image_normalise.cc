// SPDX-License-Identifier: Apache-2.0
#include "kernels/elementwise/image_normalise.h"

namespace assay::kernels {

void image_normalise_cpu(const ImageNormaliseArgs& args);                      // image_normalise_cpu.cc
void image_normalise_cuda(const ImageNormaliseArgs& args, void* cuda_stream);  // image_normalise_cuda.cu

const KernelTable<ImageNormaliseArgs> image_normalise = {"image_normalise", image_normalise_cpu,
                                                         ASSAY_CUDA_KERNEL(image_normalise_cuda)};

}  // namespace assay::kernels
