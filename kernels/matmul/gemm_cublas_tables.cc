// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul/gemm_cublas.h"

namespace assay::kernels {

void gemm_cpu(const GemmArgs& args);  // gemm_cpu.cc
// gemm_cublas.cc
void gemm_cublas_cuda(const GemmArgs& args, void* cuda_stream);
void gemm_cublas_tf32_cuda(const GemmArgs& args, void* cuda_stream);
void gemm_cublas_bfloat16_cuda(const GemmArgs& args, void* cuda_stream);

const KernelTable<GemmArgs> gemm_cublas = {"gemm_cublas", gemm_cpu,
                                           ASSAY_CUDA_VENDOR_KERNEL(gemm_cublas_cuda, nullptr)};
const KernelTable<GemmArgs> gemm_cublas_tf32 = {"gemm_cublas_tf32", gemm_cpu,
                                                ASSAY_CUDA_VENDOR_KERNEL(gemm_cublas_tf32_cuda, nullptr)};
const KernelTable<GemmArgs> gemm_cublas_bfloat16 = {"gemm_cublas_bfloat16", gemm_cpu,
                                                    ASSAY_CUDA_VENDOR_KERNEL(gemm_cublas_bfloat16_cuda, nullptr)};

}  // namespace assay::kernels
