// SPDX-License-Identifier: Apache-2.0
#include "kernels/gaussian/mahalanobis.h"

namespace assay::kernels {

void mahalanobis_cpu(const MahalanobisArgs& args);                      // mahalanobis_cpu.cc
void mahalanobis_cuda(const MahalanobisArgs& args, void* cuda_stream);  // mahalanobis_cuda.cu

const KernelTable<MahalanobisArgs> mahalanobis = {"mahalanobis", mahalanobis_cpu, ASSAY_CUDA_KERNEL(mahalanobis_cuda)};

}  // namespace assay::kernels
