// SPDX-License-Identifier: Apache-2.0
// Matrix product of two float32 matrices. Accuracy and determinism: kernels/matmul/gemm.h.
#pragma once

#include "engine/tensor/tensor.h"

namespace assay::ops {

enum class Transpose { kNo, kYes };

// op(a) op(b) in new storage: (M, K) times (K, N) after transposing -> (M, N). Throws assay::Error on other shapes or
// dtypes.
Tensor matmul(const Tensor& a, const Tensor& b, Transpose transpose_a = Transpose::kNo,
              Transpose transpose_b = Transpose::kNo);

}  // namespace assay::ops
