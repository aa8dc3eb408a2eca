// SPDX-License-Identifier: Apache-2.0
// Rows and columns of a matrix, chosen by number: gather_rows y[r, :] = x[index[r], :], gather_columns
// y[r, c] = x[r, index[c]]; and the way back for columns side by side, place_columns y[r, begin + c] = x[r, c]. Numbers
// may repeat and come in any order; one outside the matrix gives NaN in its place, since on a GPU nobody else can look
// at it. Row-major, contiguous, float32; copies bit for bit. On the CPU by parallel_for. The op layer has checked
// shapes; kernels do not check again.
#pragma once

#include <cstdint>

#include "kernels/base/kernel_table.h"

namespace assay::kernels {

struct GatherRowsArgs {
  const float* x;        // (N, D)
  const int64_t* index;  // (R), rows of x
  float* y;              // (R, D)  must not overlap x
  int64_t x_rows;        // N >= 0
  int64_t rows;          // R >= 0
  int64_t cols;          // D >= 0
};
extern const KernelTable<GatherRowsArgs> gather_rows;

struct GatherColumnsArgs {
  const float* x;        // (R, D)
  const int64_t* index;  // (C), columns of x
  float* y;              // (R, C)  must not overlap x
  int64_t rows;          // R >= 0
  int64_t x_cols;        // D >= 0
  int64_t cols;          // C >= 0
};
extern const KernelTable<GatherColumnsArgs> gather_columns;

struct PlaceColumnsArgs {
  const float* x;  // (R, C)
  float* y;        // (R, D)  must not overlap x; other columns are left alone
  int64_t rows;    // R >= 0
  int64_t cols;    // C >= 0
  int64_t y_cols;  // D >= begin + C
  int64_t begin;   // first column of y to be written, >= 0
};
extern const KernelTable<PlaceColumnsArgs> place_columns;

}  // namespace assay::kernels
