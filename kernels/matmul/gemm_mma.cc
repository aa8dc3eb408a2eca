// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul/gemm_mma.h"

namespace assay::kernels {

// gemm_mma_cpu.cc
void gemm_float16_cpu(const Gemm16Args& args);
void gemm_bfloat16_cpu(const Gemm16Args& args);
void gemm_int8_cpu(const GemmInt8Args& args);
void gemm_tf32_cpu(const GemmArgs& args);
void gemm_3xtf32_cpu(const GemmArgs& args);

// gemm_mma_cuda.cu
void gemm_float16_cuda(const Gemm16Args& args, void* cuda_stream);
void gemm_bfloat16_cuda(const Gemm16Args& args, void* cuda_stream);
void gemm_int8_cuda(const GemmInt8Args& args, void* cuda_stream);
void gemm_tf32_cuda(const GemmArgs& args, void* cuda_stream);
void gemm_3xtf32_cuda(const GemmArgs& args, void* cuda_stream);

const KernelTable<Gemm16Args> gemm_float16 = {"gemm_float16", gemm_float16_cpu, ASSAY_CUDA_KERNEL(gemm_float16_cuda)};
const KernelTable<Gemm16Args> gemm_bfloat16 = {"gemm_bfloat16", gemm_bfloat16_cpu,
                                               ASSAY_CUDA_KERNEL(gemm_bfloat16_cuda)};
const KernelTable<GemmInt8Args> gemm_int8 = {"gemm_int8", gemm_int8_cpu, ASSAY_CUDA_KERNEL(gemm_int8_cuda)};
const KernelTable<GemmArgs> gemm_tf32 = {"gemm_tf32", gemm_tf32_cpu, ASSAY_CUDA_KERNEL(gemm_tf32_cuda)};
const KernelTable<GemmArgs> gemm_3xtf32 = {"gemm_3xtf32", gemm_3xtf32_cpu, ASSAY_CUDA_KERNEL(gemm_3xtf32_cuda)};

}  // namespace assay::kernels
