// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul/gemm_cublas_finish.h"

namespace assay::kernels {

void gemm_finish_cpu(const GemmFinishArgs& args);                      // gemm_cublas_finish_cpu.cc
void gemm_finish_cuda(const GemmFinishArgs& args, void* cuda_stream);  // gemm_cublas_finish_cuda.cu

const KernelTable<GemmFinishArgs> gemm_finish = {"gemm_finish", gemm_finish_cpu, ASSAY_CUDA_KERNEL(gemm_finish_cuda)};

}  // namespace assay::kernels
