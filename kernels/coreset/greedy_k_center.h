// SPDX-License-Identifier: Apache-2.0
// Greedy k-center: from a start point on, always take the point farthest from all points taken so far.
//
//   s_0 = start,  s_i = argmax_x min_{j < i} |x - s_j|^2,  radius2_i = max_x min_{j <= i} |x - s_j|^2
//
// Source: Gonzalez 1985, whose covering radius is at most twice the best possible. Distances are sums of (x_d - s_d)^2
// in float32, so each is within (D + 2) 2^-23 of the exact one, relatively, and duplicates have distance 0; the choice
// is exact for these distances. Ties take the lower index. A point is taken once: where all that is left coincides with
// points taken, the lowest indices follow.
//
// A distance that is NaN counts as 0, so points with a NaN are taken last; a start with a NaN leaves nothing to tell
// points apart. A point with an infinity is infinitely far from all others.
// Deterministic on one type of machine: the same bits for any number of threads. The sums of the two backends differ in
// the order of their terms, so that they may choose differently among points of nearly the same distance.
#pragma once

#include <cstdint>

#include "kernels/base/kernel_table.h"

namespace assay::kernels {

struct GreedyKCenterArgs {
  const float* points;  // (N, D)
  int64_t* selected;    // (count), in the order of choice, all different
  float* radius2;       // (count), never growing
  int64_t num_points;   // N >= 1; below 2^31 on the CPU, below 2^32 - 1 on CUDA
  int64_t dim;          // D >= 1
  int64_t count;        // 0 to N
  int64_t start;        // 0 to N - 1
  void* workspace;      // greedy_k_center_workspace_bytes(N, D, count, backend), aligned to 64 bytes
};
extern const KernelTable<GreedyKCenterArgs> greedy_k_center;

int64_t greedy_k_center_workspace_bytes(int64_t num_points, int64_t dim, int64_t count,
                                        Backend backend = Backend::kCpu);

}  // namespace assay::kernels
