// SPDX-License-Identifier: Apache-2.0
// The Cholesky factor in double, row by row from the inner products of a dense matrix, and the cases of its tests.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

namespace assay::kernels {

struct CholeskyCase {
  int64_t positions, order;
};

// Orders around the vector widths 2, 4 and 8, and beyond a block's 128 threads; matrices around the kernel's piece
// of 4.
inline const std::vector<CholeskyCase> kCholeskyCases = {{0, 4},  {1, 1},  {3, 2},  {4, 3},   {5, 4},
                                                         {2, 5},  {2, 7},  {9, 8},  {2, 9},   {2, 15},
                                                         {1, 16}, {2, 17}, {1, 31}, {2, 100}, {1, 133}};

// matrix (D, D), positive definite. Returns L, zero above the diagonal.
inline std::vector<double> cholesky_ref(const std::vector<double>& matrix, int64_t order) {
  std::vector<double> factor(order * order, 0);
  for (int64_t i = 0; i < order; ++i) {
    for (int64_t j = 0; j <= i; ++j) {
      double rest = matrix[i * order + j];
      for (int64_t k = 0; k < j; ++k) rest -= factor[i * order + k] * factor[j * order + k];
      factor[i * order + j] = i == j ? std::sqrt(rest) : rest / factor[j * order + j];
    }
  }
  return factor;
}

}  // namespace assay::kernels
