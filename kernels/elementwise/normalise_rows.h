// SPDX-License-Identifier: Apache-2.0
// Rows scaled to Euclidean length one and written into some columns of a wider matrix:
// y[r, begin + c] = x[r, c] / sqrt(sum over c of x[r, c]^2), sum, root and product in double, rounded once at the end.
// A row of zeros stays zero; a row with a NaN is copied as it is; one with an infinity gives zeros, and a NaN in its
// place. Other columns of y are left alone, so several levels of features can share a row. Row-major, float32. On the
// CPU by parallel_for. Deterministic; bits depend on the backend only, since each adds the squares in an order of its
// own. The op layer has checked shapes; kernels do not check again.
#pragma once

#include <cstdint>

#include "kernels/base/kernel_table.h"

namespace assay::kernels {

struct NormaliseRowsArgs {
  const float* x;  // (R, C)
  float* y;        // (R, D)  must not overlap x
  int64_t rows;    // R >= 0
  int64_t cols;    // C >= 0
  int64_t y_cols;  // D >= begin + C
  int64_t begin;   // first column of y to be written, >= 0
};
extern const KernelTable<NormaliseRowsArgs> normalise_rows;

}  // namespace assay::kernels
