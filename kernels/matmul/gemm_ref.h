// SPDX-License-Identifier: Apache-2.0
// The matrix product by its definition, in double.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/matmul/gemm.h"

namespace assay::kernels::ref {

struct GemmElement {
  double value;
  double magnitude;  // sum of |a| |b|, which bounds the error
};

inline GemmElement gemm_element(const GemmArgs& args, int64_t row, int64_t column) {
  GemmElement e = {0, 0};
  for (int64_t k = 0; k < args.k; ++k) {
    const double a = args.transpose_a ? args.a[k * args.lda + row] : args.a[row * args.lda + k];
    const double b = args.transpose_b ? args.b[column * args.ldb + k] : args.b[k * args.ldb + column];
    e.value += a * b;
    e.magnitude += std::abs(a * b);
  }
  return e;
}

inline double gemm_flops(int64_t m, int64_t n, int64_t k) { return 2.0 * m * n * k; }

}  // namespace assay::kernels::ref
