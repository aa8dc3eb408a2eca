// SPDX-License-Identifier: Apache-2.0
// gemm (gemm.h) on CUDA by cuBLASLt: the same contract, in builds that have the library
// (--//tools/bzl:cuda_vendor_libraries); elsewhere these tables have no CUDA entry. On the CPU all are gemm itself.
//
// Determinism: the order of a sum is the library's own. The same shape, alignment, workspace, kind of GPU and version
// of the library give the same bits. Sizes and leading dimensions must be below 2^31.
//
// Reduced precision is asked for by the name of a table, never switched on from afar. Each element of the product is
// then within (K * 2^-23 + 2 * u + u^2) * sum |a| |b| of the exact one, u being the rounding of an input: at most
// 2^-11 for TF32 (10 bits of fraction, rounded to nearest), 2^-9 for bfloat16. The library may round less.
#pragma once

#include <cstdint>

#include "kernels/base/kernel_table.h"
#include "kernels/matmul/gemm.h"

namespace assay::kernels {

extern const KernelTable<GemmArgs> gemm_cublas;
extern const KernelTable<GemmArgs> gemm_cublas_tf32;
extern const KernelTable<GemmArgs> gemm_cublas_bfloat16;

// The scratch memory with which cuBLASLt can choose freely. NVIDIA recommends as much for Hopper (cuBLAS's manual on
// cublasSetWorkspace). GemmArgs::workspace may be smaller, or null: some algorithms, mostly those that split K, are
// then out.
constexpr int64_t kGemmWorkspaceBytes = int64_t{32} << 20;

}  // namespace assay::kernels
