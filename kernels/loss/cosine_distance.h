// SPDX-License-Identifier: Apache-2.0
// Cosine distance of pairs of rows: distance = 1 - a . b / (max(|a|, eps) max(|b|, eps)), eps = 1e-8. With a row per
// image, its whole feature map flattened, it is Dinomaly's global loss (Guo et al. 2025, section 3.3); with a row per
// point, the anomaly map and what hard_mining.h chooses points by. Backward, with cos = 1 - distance and |.| cut off at
// eps:
//   grad_a = grad * (cos a / |a|^2 - b / (|a| |b|)), the first term left out where |a| <= eps; grad_b alike.
// R = rows, C = columns. Row-major, contiguous, float32. Sums in double (on the CPU over float32 sums of 1024
// elements). grad_a may be neither a nor b; nothing overlaps. Deterministic: bits depend on the backend and its
// instruction set, not on threads. NaN and Inf make their own row NaN. The op layer has checked shapes; kernels do not
// check again.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/base/grad_mode.h"
#include "kernels/base/kernel_table.h"

namespace assay::kernels {

constexpr float kCosineEps = 1e-8f;

struct CosineDistanceForwardArgs {
  const float* a;     // (R, C)
  const float* b;     // (R, C)
  float* distance;    // (R)
  float* norms;       // (R, 2)  |a| and |b|, saved for backward; null: not saved
  double* workspace;  // cosine_distance_workspace_bytes; may be null where that is 0
  int64_t rows;       // R >= 0
  int64_t cols;       // C >= 1
};
extern const KernelTable<CosineDistanceForwardArgs> cosine_distance_forward;

struct CosineDistanceBackwardArgs {
  const float* a;              // (R, C)
  const float* b;              // (R, C)
  const float* distance;       // (R)     of forward
  const float* norms;          // (R, 2)  of forward
  const float* grad_distance;  // (R)
  float* grad_a;               // (R, C)  null: not needed
  float* grad_b;               // (R, C)  null: not needed
  int64_t rows;                // R >= 0
  int64_t cols;                // C >= 1
  GradMode grad_a_mode = GradMode::kOverwrite;
  GradMode grad_b_mode = GradMode::kOverwrite;
};
extern const KernelTable<CosineDistanceBackwardArgs> cosine_distance_backward;

// Longer rows are cut into pieces of this size, so that a few rows of a whole map keep all cores or a GPU busy.
constexpr int64_t kCosinePiece = 8192;
inline int64_t cosine_pieces(int64_t cols) { return (cols + kCosinePiece - 1) / kCosinePiece; }
// For a . b, |a|^2 and |b|^2 of each piece.
inline size_t cosine_distance_workspace_bytes(int64_t rows, int64_t cols) {
  return cols <= kCosinePiece ? 0 : static_cast<size_t>(rows * cosine_pieces(cols)) * 3 * sizeof(double);
}

}  // namespace assay::kernels
