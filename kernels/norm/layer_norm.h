// SPDX-License-Identifier: Apache-2.0
// LayerNorm over the last axis: y = (x - mean) * rstd * gamma + beta, mean and rstd = 1 / sqrt(var + eps) per row,
// biased variance, computed in two passes, since mean(x^2) - mean(x)^2 cancels when |mean| >> std. Source: Ba, Kiros,
// Hinton 2016, eq. 4. Backward, with xhat = (x - mean) * rstd and g = grad_y * gamma:
//   grad_x = rstd * (g - (sum(g) + xhat * sum(g * xhat)) / C),   sums over the row,
//   grad_gamma = sum of grad_y * xhat, grad_beta = sum of grad_y, over all rows.
// R = rows (all leading axes), C = channels. Row-major, contiguous, float32; sums in float32 but for the last stage of
// grad_gamma and grad_beta, which adds slabs of rows in double. Nothing may overlap, but grad_x may be grad_y.
// Deterministic: bits depend on the backend and its instruction set, not on threads. A NaN or Inf in x or grad_y gives
// NaN in its row (and in grad_gamma and grad_beta of its column). No rows: gradients of gamma and beta are zero. The op
// layer has checked shapes; kernels do not check again.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/base/grad_mode.h"
#include "kernels/base/kernel_table.h"

namespace assay::kernels {

struct LayerNormForwardArgs {
  const float* x;      // (R, C)
  const float* gamma;  // (C)
  const float* beta;   // (C)
  float* y;            // (R, C)
  float* mean;         // (R)     saved for backward; null: not saved
  float* rstd;         // (R)     saved for backward; null: not saved
  int64_t rows;        // R >= 0
  int64_t cols;        // C >= 1
  float eps;           // > 0, added to the variance
};
extern const KernelTable<LayerNormForwardArgs> layer_norm_forward;

struct LayerNormBackwardArgs {
  const float* x;       // (R, C)
  const float* gamma;   // (C)
  const float* mean;    // (R)
  const float* rstd;    // (R)
  const float* grad_y;  // (R, C)
  float* grad_x;        // (R, C)  null: not needed
  float* grad_gamma;    // (C)     null: not needed
  float* grad_beta;     // (C)     null: not needed
  float* workspace;     // layer_norm_backward_workspace_bytes; may be null where neither of the two is needed
  int64_t rows;         // R >= 0
  int64_t cols;         // C >= 1
  GradMode grad_x_mode = GradMode::kOverwrite;
  GradMode grad_gamma_mode = GradMode::kOverwrite;
  GradMode grad_beta_mode = GradMode::kOverwrite;
};
extern const KernelTable<LayerNormBackwardArgs> layer_norm_backward;

// Rows whose share of grad_gamma and grad_beta is summed in one go. At 16 x 789 tokens some 100 slabs: work for all of
// a GPU's multiprocessors, and a workspace of under 1 MB.
constexpr int64_t kLayerNormSlabRows = 128;
inline int64_t layer_norm_slabs(int64_t rows) { return (rows + kLayerNormSlabRows - 1) / kLayerNormSlabRows; }
// For partial sums of (grad_gamma, grad_beta) of each slab: (slabs, 2, C) floats.
inline size_t layer_norm_backward_workspace_bytes(int64_t rows, int64_t cols) {
  return static_cast<size_t>(layer_norm_slabs(rows)) * 2 * static_cast<size_t>(cols) * sizeof(float);
}

}  // namespace assay::kernels
