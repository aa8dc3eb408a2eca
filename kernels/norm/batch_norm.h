// SPDX-License-Identifier: Apache-2.0
// Batch norm: each column of a matrix (a channel, over all cells of all images) is centred and scaled,
//   y = (x - mean) * rstd * gamma + beta,  rstd = 1 / sqrt(variance + eps),
// while training with the mean and the biased variance of the column itself, in scoring with running ones. Source:
// Ioffe, Szegedy 2015, algorithms 1 and 2; running statistics as PyTorch keeps them. Backward, with xhat = (x - mean) *
// rstd and mean and variance depending on x:
//   grad_gamma = sum of grad_y * xhat, grad_beta = sum of grad_y, over the column,
//   grad_x = gamma * rstd * (grad_y - (grad_beta + xhat * grad_gamma) / R).
// R = rows (cells of all images), C = channels. Row-major, contiguous, float32. Sums are float32 within slabs of
// kBatchNormSlabRows rows, whose results are put together in double; a slab's variance is taken about its own mean, so
// that nothing cancels where |mean| >> deviation. Nothing may overlap. Deterministic: bits depend on the backend and
// its instruction set, not on threads. A NaN or infinity spreads to its column. The op layer has checked shapes;
// kernels do not check again.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/base/grad_mode.h"
#include "kernels/base/kernel_table.h"

namespace assay::kernels {

struct BatchNormStatisticsArgs {
  const float* x;           // (R, C)
  float* mean;              // (C)
  float* variance;          // (C)  biased: the sum of squares over R
  float* running_mean;      // (C)  becomes (1 - momentum) * running + momentum * mean; null: not kept
  float* running_variance;  // (C)  likewise with the unbiased variance, over R - 1; null: not kept
  float* workspace;         // batch_norm_workspace_bytes
  int64_t rows;             // R >= 1; >= 2 where a running variance is kept
  int64_t cols;             // C >= 1
  float momentum = 0.1f;
};
extern const KernelTable<BatchNormStatisticsArgs> batch_norm_statistics;

struct BatchNormApplyArgs {
  const float* x;         // (R, C)
  const float* mean;      // (C)
  const float* variance;  // (C)
  const float* gamma;     // (C)
  const float* beta;      // (C)
  float* y;               // (R, C)
  int64_t rows;           // R >= 0
  int64_t cols;           // C >= 1
  float eps;              // > 0
};
extern const KernelTable<BatchNormApplyArgs> batch_norm_apply;

struct BatchNormBackwardArgs {
  const float* x;         // (R, C)
  const float* mean;      // (C)  of x itself
  const float* variance;  // (C)
  const float* gamma;     // (C)
  const float* grad_y;    // (R, C)
  float* grad_x;          // (R, C)  null: not needed
  float* grad_gamma;      // (C)     null: not needed
  float* grad_beta;       // (C)     null: not needed
  float* workspace;       // batch_norm_workspace_bytes
  int64_t rows;           // R >= 1
  int64_t cols;           // C >= 1
  float eps;              // > 0
  GradMode grad_x_mode = GradMode::kOverwrite;
  GradMode grad_gamma_mode = GradMode::kOverwrite;
  GradMode grad_beta_mode = GradMode::kOverwrite;
};
extern const KernelTable<BatchNormBackwardArgs> batch_norm_backward;

// Of 16 images of 64 x 64 cells 512 slabs: with 32 columns a block, work for a whole GPU even where channels are few.
constexpr int64_t kBatchNormSlabRows = 128;
inline int64_t batch_norm_slabs(int64_t rows) { return (rows + kBatchNormSlabRows - 1) / kBatchNormSlabRows; }
// Two sums of each slab and each column, and two of the column: (slabs + 1, 2, C) floats.
inline size_t batch_norm_workspace_bytes(int64_t rows, int64_t cols) {
  return static_cast<size_t>(batch_norm_slabs(rows) + 1) * 2 * static_cast<size_t>(cols) * sizeof(float);
}

}  // namespace assay::kernels
