// SPDX-License-Identifier: Apache-2.0
// One row added to every row of a matrix, in place: y[r, c] += offset[c]. One rounding per element, so the bits are the
// same on every instruction set and backend. Row-major, contiguous, float32. On the CPU by parallel_for.
// The op layer has checked shapes; kernels do not check again.
#pragma once

#include <cstdint>

#include "kernels/base/kernel_table.h"

namespace assay::kernels {

struct AddRowArgs {
  const float* offset;  // (C)  must not overlap y
  float* y;             // (R, C)
  int64_t rows;         // R >= 0
  int64_t cols;         // C >= 0
};
extern const KernelTable<AddRowArgs> add_row;

}  // namespace assay::kernels
