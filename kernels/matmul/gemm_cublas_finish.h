// SPDX-License-Identifier: Apache-2.0
// What a library's matrix product or convolution leaves to be done, as one pass over its result in place:
//
//   c = activation(beta c + bias + residual)
//
// with the epilogue's members (gemm_epilogue.h), of which alpha plays no part. With beta 0 nothing is read of c: the
// result of an empty product. Row-major, float32. Each element by itself: the bits depend on the backend alone. A NaN
// stays one. The CPU version is a plain loop: CPU kernels finish their products themselves.
#pragma once

#include <cstdint>

#include "kernels/base/kernel_table.h"
#include "kernels/matmul/gemm_epilogue.h"

namespace assay::kernels {

struct GemmFinishArgs {
  float* c;     // `batch` matrices (M, N) with row stride ldc
  int64_t m;    // M >= 0, as are N and batch
  int64_t n;    // N
  int64_t ldc;  // >= N
  int64_t batch;
  int64_t stride_c;       // elements from matrix to matrix; they must not overlap
  GemmEpilogue epilogue;  // its residual may be c: each element is read before it is written
};
extern const KernelTable<GemmFinishArgs> gemm_finish;

}  // namespace assay::kernels
