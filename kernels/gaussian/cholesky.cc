// SPDX-License-Identifier: Apache-2.0
#include "kernels/gaussian/cholesky.h"

namespace assay::kernels {

void cholesky_cpu(const CholeskyArgs& args);                      // cholesky_cpu.cc
void cholesky_cuda(const CholeskyArgs& args, void* cuda_stream);  // cholesky_cuda.cu

const KernelTable<CholeskyArgs> cholesky = {"cholesky", cholesky_cpu, ASSAY_CUDA_KERNEL(cholesky_cuda)};

}  // namespace assay::kernels
