// SPDX-License-Identifier: Apache-2.0
// Two arrays combined, element by element, the second scaled and, where it is smaller, repeated:
//   kAdd       y = a + alpha * b      (alpha 1: sum; -1: difference; else axpy; b a row: a bias)
//   kMultiply  y = a * (alpha * b)    (b a row: LayerScale; b a column or a number: weights of rows, of all)
//   kTake      y = alpha * b          (a null; scales, fills and copies; b a number: the gradient of a sum or mean)
// With GradMode::kAccumulate the result is added to y. R = rows, C = columns. Row-major, contiguous, float32.
// y may be a, and may be b where b has y's shape; else nothing overlaps. Each element is within two roundings (three
// when accumulating) of its terms' sizes; bits depend on the backend and its instruction set only. NaN and Inf
// propagate. The op layer has checked shapes; kernels do not check again.
#pragma once

#include <cstdint>

#include "kernels/base/grad_mode.h"
#include "kernels/base/kernel_table.h"

namespace assay::kernels {

enum class Combination { kAdd, kMultiply, kTake };
// Shape of b: (R, C), (C), (R) or (1).
enum class Broadcast { kNone, kRow, kColumn, kNumber };

struct CombineArgs {
  const float* a;  // (R, C)  not read by kTake
  const float* b;  // see broadcast
  float* y;        // (R, C)
  int64_t rows;    // R >= 0
  int64_t cols;    // C >= 0
  Combination combination;
  Broadcast broadcast = Broadcast::kNone;
  float alpha = 1;
  GradMode mode = GradMode::kOverwrite;
};
extern const KernelTable<CombineArgs> combine;

}  // namespace assay::kernels
