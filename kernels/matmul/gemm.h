// SPDX-License-Identifier: Apache-2.0
// Matrix product C = op(A) op(B), op being nothing or the transpose, for a batch of matrices, with an epilogue
// (gemm_epilogue.h). Row-major with leading dimensions, float32.
//
// Accuracy: sums in float32, each element of the product within K * 2^-23 * sum |a| |b| of the exact one. NaN and
// infinities propagate, a NaN through each activation, too. Deterministic on one type of machine: on the CPU
// rows are cut into pieces of kGemmRowsPerPiece whatever the number of threads, and each piece is computed by one
// thread; on CUDA gemm_tiled sums each element in one thread in the order of K, and cuBLASLt in an order of its own
// (see gemm_cublas.h). The CPU version is oneDNN's sgemm; that of CUDA is cuBLASLt's where the build has it, gemm_tiled
// always being there.
#pragma once

#include <cstdint>

#include "kernels/base/kernel_table.h"
#include "kernels/matmul/gemm_epilogue.h"

namespace assay::kernels {

constexpr int64_t kGemmRowsPerPiece = 256;  // enough rows to fill oneDNN's own blocks, pieces enough for many cores

template <class Input, class Output>
struct GemmProblem {
  const Input* a;  // (M, K) with row stride lda; (K, M) where transposed
  const Input* b;  // (K, N) with row stride ldb; (N, K) where transposed
  Output* c;       // (M, N) with row stride ldc; must not overlap a or b
  int64_t m;       // M >= 0, as are N and K; K = 0 makes a product of zeros
  int64_t n;       // N
  int64_t k;       // K
  int64_t lda;     // >= columns of a as stored
  int64_t ldb;     // >= columns of b as stored
  int64_t ldc;     // >= N
  bool transpose_a;
  bool transpose_b;
  int64_t batch = 1;     // >= 0
  int64_t stride_a = 0;  // elements from matrix to matrix of the batch; 0 shares one among all
  int64_t stride_b = 0;
  int64_t stride_c = 0;  // matrices of c must not overlap
  GemmEpilogue epilogue = {};
  void* workspace =
      nullptr;  // device memory, aligned to 256 bytes, for what cuBLASLt would like (gemm_cublas.h); or null
  int64_t workspace_bytes = 0;
};

using GemmArgs = GemmProblem<float, float>;
extern const KernelTable<GemmArgs> gemm;
// The same contract by own kernels alone: on CUDA without any vendor's library; the same as gemm on the CPU.
extern const KernelTable<GemmArgs> gemm_tiled;

}  // namespace assay::kernels
