// SPDX-License-Identifier: Apache-2.0
// Sums along one axis of a matrix: of each column over all rows (the gradient of a bias, and with `factor` of a scale
// per channel), or of each row over its columns.
//   column_sum: y[c] = sum over r of x[r, c] * factor[r, c];   row_sum: y[r] = sum over c of x[r, c] * factor[r, c];
// factor is 1 where null. Row-major, contiguous, float32. float32 sums along rows, and along columns in slabs of
// kColumnSumSlabRows rows; the slabs are added in double. Nothing may overlap. Deterministic: bits depend on the
// backend and its instruction set, not on threads. NaN and Inf propagate to their own sum. A sum of nothing is 0. The
// op layer has checked shapes; kernels do not check again.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/base/grad_mode.h"
#include "kernels/base/kernel_table.h"

namespace assay::kernels {

struct ColumnSumArgs {
  const float* x;       // (R, C)
  const float* factor;  // (R, C)  null: 1
  float* y;             // (C)
  float* workspace;     // column_sum_workspace_bytes
  int64_t rows;         // R >= 0
  int64_t cols;         // C >= 0
  GradMode mode = GradMode::kOverwrite;
};
extern const KernelTable<ColumnSumArgs> column_sum;

struct RowSumArgs {
  const float* x;       // (R, C)
  const float* factor;  // (R, C)  null: 1
  float* y;             // (R)
  int64_t rows;         // R >= 0
  int64_t cols;         // C >= 0
  GradMode mode = GradMode::kOverwrite;
};
extern const KernelTable<RowSumArgs> row_sum;

constexpr int64_t kColumnSumSlabRows = 128;  // at 16 x 789 tokens some 100 slabs: work for a whole GPU
inline int64_t column_sum_slabs(int64_t rows) { return (rows + kColumnSumSlabRows - 1) / kColumnSumSlabRows; }
inline size_t column_sum_workspace_bytes(int64_t rows, int64_t cols) {
  return static_cast<size_t>(column_sum_slabs(rows)) * static_cast<size_t>(cols) * sizeof(float);
}

}  // namespace assay::kernels
