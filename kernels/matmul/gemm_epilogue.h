// SPDX-License-Identifier: Apache-2.0
// What is done to a matrix product P = op(A) op(B) before it is stored:
//
//   c = activation(alpha P + beta c + bias + residual)
//
// bias is added to each row, residual element by element. GELU is the exact one, x (1 + erf(x / sqrt 2)) / 2
// (Hendrycks, Gimpel 2016). The defaults store P itself, with no arithmetic done to it.
#pragma once

#include <cstdint>

namespace assay::kernels {

enum class GemmActivation { kNone, kRelu, kRelu6, kGelu };

struct GemmEpilogue {
  float alpha = 1;
  float beta = 0;               // 0: c is not read, whatever it holds
  const float* bias = nullptr;  // (N), or null
  const float* residual =
      nullptr;                  // (M, N) with row stride ld_residual, or null; must not overlap c (that is beta = 1)
  int64_t ld_residual = 0;      // >= N where there is a residual
  int64_t stride_residual = 0;  // from matrix to matrix of a batch
  GemmActivation activation = GemmActivation::kNone;

  bool is_plain() const {
    return alpha == 1 && beta == 0 && bias == nullptr && residual == nullptr && activation == GemmActivation::kNone;
  }
};

}  // namespace assay::kernels
