// SPDX-License-Identifier: Apache-2.0
// Hard mining by gradients (Guo et al. 2025, section 3.3): points that are reconstructed well already get a smaller
// gradient, so that training does not perfect the easy ones. Over a batch's points, with quantile share p,
//   threshold = the k-th largest distance, k = max(1, floor(n (1 - p))),
//   grad *= factor at each point whose distance is below the threshold; the others keep theirs.
// kth_largest is exact: it returns one of the elements, whatever their order. A NaN counts as larger than all numbers,
// so that it never lowers the threshold of the others; a NaN distance keeps its gradient. float32. Deterministic, and
// the same bits on every backend. The op layer has checked shapes; kernels do not check again.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/base/kernel_table.h"

namespace assay::kernels {

struct KthLargestArgs {
  const float* x;       // (count)
  float* y;             // (1)
  uint32_t* workspace;  // kth_largest_workspace_bytes; may be null where that is 0
  int64_t count;        // >= 1
  int64_t k;            // 1 (the largest) to count (the smallest)
};
extern const KernelTable<KthLargestArgs> kth_largest;

inline size_t kth_largest_workspace_bytes(Backend backend, int64_t count) {
  return backend == Backend::kCpu ? static_cast<size_t>(count) * sizeof(uint32_t) : 0;
}

// Which distance is the threshold at quantile share p, 0 <= p <= 1, of n >= 1 points.
inline int64_t hard_mining_k(int64_t n, double p) {
  return std::max<int64_t>(static_cast<int64_t>(static_cast<double>(n) * (1 - p)), 1);
}

struct HardMiningScaleArgs {
  const float* distance;   // (R)
  const float* threshold;  // (1)
  float* grad;             // (R, C)  scaled in place
  int64_t rows;            // R >= 0, points
  int64_t cols;            // C >= 0
  float factor;            // 0.1 in the paper
};
extern const KernelTable<HardMiningScaleArgs> hard_mining_scale;

}  // namespace assay::kernels
