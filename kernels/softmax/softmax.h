// SPDX-License-Identifier: Apache-2.0
// Softmax over the last axis: y = e^(x - max) / sum of e^(x - max), per row, of any width. Backward from y:
//   grad_x = y * (grad_y - sum(grad_y * y)),   the sum over the row.
// Row-major, contiguous, float32. y may be x, grad_x may be grad_y; else nothing overlaps. Deterministic; bits depend
// on the backend and its instruction set only. -Inf takes no share; a row of nothing else, or with a NaN or +Inf, gives
// NaN all over. The op layer has checked shapes; kernels do not check again. On CUDA maximum and sum come from one pass
// over the row: Milakov, Gimelshein 2018, algorithm 3.
#pragma once

#include <cstdint>

#include "kernels/base/grad_mode.h"
#include "kernels/base/kernel_table.h"

namespace assay::kernels {

struct SoftmaxForwardArgs {
  const float* x;  // (R, C)
  float* y;        // (R, C)
  int64_t rows;    // R >= 0
  int64_t cols;    // C >= 1
};
extern const KernelTable<SoftmaxForwardArgs> softmax_forward;

struct SoftmaxBackwardArgs {
  const float* y;       // (R, C)  of forward
  const float* grad_y;  // (R, C)
  float* grad_x;        // (R, C)  null: not needed
  int64_t rows;         // R >= 0
  int64_t cols;         // C >= 1
  GradMode grad_x_mode = GradMode::kOverwrite;
};
extern const KernelTable<SoftmaxBackwardArgs> softmax_backward;

}  // namespace assay::kernels
