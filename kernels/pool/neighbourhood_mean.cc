// SPDX-License-Identifier: Apache-2.0
#include "kernels/pool/neighbourhood_mean.h"

namespace assay::kernels {

void neighbourhood_mean_cpu(const NeighbourhoodMeanArgs& args);                      // neighbourhood_mean_cpu.cc
void neighbourhood_mean_cuda(const NeighbourhoodMeanArgs& args, void* cuda_stream);  // neighbourhood_mean_cuda.cu

const KernelTable<NeighbourhoodMeanArgs> neighbourhood_mean = {"neighbourhood_mean", neighbourhood_mean_cpu,
                                                               ASSAY_CUDA_KERNEL(neighbourhood_mean_cuda)};

}  // namespace assay::kernels
