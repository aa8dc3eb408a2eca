// SPDX-License-Identifier: Apache-2.0
// Matrix product C = op(A) op(B), op being nothing or the transpose. Row-major with leading dimensions, float32.
//
// Accuracy: sums in float32, each element within K * 2^-23 * sum |a| |b| of the exact one. NaN and infinities
// propagate. Deterministic on one type of machine: rows are cut into pieces of kGemmRowsPerPiece whatever the number of
// threads, and each piece is computed by one thread. The CPU version is oneDNN's sgemm.
#pragma once

#include <cstdint>

#include "kernels/base/kernel_table.h"

namespace assay::kernels {

constexpr int64_t kGemmRowsPerPiece = 256;  // enough rows to fill oneDNN's own blocks, pieces enough for many cores

struct GemmArgs {
  const float* a;  // (M, K) with row stride lda; (K, M) where transposed
  const float* b;  // (K, N) with row stride ldb; (N, K) where transposed
  float* c;        // (M, N) with row stride ldc; overwritten, must not overlap a or b
  int64_t m;       // M >= 0, as are N and K; K = 0 gives zeros
  int64_t n;       // N
  int64_t k;       // K
  int64_t lda;     // >= columns of a as stored
  int64_t ldb;     // >= columns of b as stored
  int64_t ldc;     // >= N
  bool transpose_a;
  bool transpose_b;
};
extern const KernelTable<GemmArgs> gemm;

}  // namespace assay::kernels
