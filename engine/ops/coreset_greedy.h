// SPDX-License-Identifier: Apache-2.0
// A coreset by greedy farthest-first selection. Distances, ties, NaN and determinism:
// kernels/coreset/greedy_k_center.h. No derivative.
#pragma once

#include <cstdint>

#include "engine/tensor/tensor.h"

namespace assay::ops {

struct Coreset {
  Tensor index;    // (count) int64, rows of the points in the order of choice, all different; index[0] is `start`
  Tensor radius2;  // (count) float32: no point is farther than this (squared) from the first i + 1 of them
};

// points: (N, D) float32, D >= 1; 0 <= count <= N; 0 <= start < N (any start where count is 0).
// Throws assay::Error otherwise.
Coreset coreset_greedy(const Tensor& points, int64_t count, int64_t start);

}  // namespace assay::ops
