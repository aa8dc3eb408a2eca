// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul/gemm.h"

namespace assay::kernels {

void gemm_cpu(const GemmArgs& args);                             // gemm_cpu.cc
void gemm_cublas_cuda(const GemmArgs& args, void* cuda_stream);  // gemm_cublas.cc
void gemm_tiled_cuda(const GemmArgs& args, void* cuda_stream);   // gemm_tiled_cuda.cu

const KernelTable<GemmArgs> gemm = {"gemm", gemm_cpu, ASSAY_CUDA_VENDOR_KERNEL(gemm_cublas_cuda, gemm_tiled_cuda)};
const KernelTable<GemmArgs> gemm_tiled = {"gemm_tiled", gemm_cpu, ASSAY_CUDA_KERNEL(gemm_tiled_cuda)};

}  // namespace assay::kernels
