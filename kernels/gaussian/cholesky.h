// SPDX-License-Identifier: Apache-2.0
// Cholesky factors of P symmetric matrices: A = L L^T, L lower triangular with a positive diagonal.
// Source: Golub and Van Loan, Matrix Computations, the outer-product form.
// Triangles as in packed_triangle.h, T = D (D + 1) / 2, contiguous. Computed in double, rounded to float32 once: a
// rounded factor still describes a positive definite matrix, which a rounded covariance might not.
// Bits do not depend on the number of threads. Matrices do not influence each other.
// The op layer has checked shapes; kernels do not check again.
#pragma once

#include <cstdint>

#include "kernels/base/kernel_table.h"

namespace assay::kernels {

struct CholeskyArgs {
  double* matrix;      // (P, T)  lower triangle of A; becomes L, or rubbish where a pivot failed
  float* factor;       // (P, T)  L in float32; unspecified where a pivot failed
  int64_t* bad_pivot;  // (P)     -1, or the first column whose diagonal element is not a positive, normal float32
  int64_t positions;   // P >= 0
  int64_t order;       // D >= 1
};
extern const KernelTable<CholeskyArgs> cholesky;

}  // namespace assay::kernels
