// SPDX-License-Identifier: Apache-2.0
// Mean of the highest share of each row: an image's score from its anomaly map, for a batch of maps.
//
//   mean(r) = (sum of the k highest values of row r) / k,   k = max(1, floor(share * n))
//
// The k values are found exactly, equal values counting as often as they occur, and summed in double. On the CPU in
// ascending order: bits do not depend on where in the row the values stand, nor on the number of threads. On CUDA in an
// order fixed by their places, within (n + 2) 2^-53 sum |value| / k of it; the same bits in every run.
// A row with a NaN has mean NaN. Row-major, contiguous.
// The op layer has checked shapes; kernels do not check again.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "kernels/base/kernel_table.h"

namespace assay::kernels {

struct TopShareMeanArgs {
  const float* x;   // (R, n)
  double* mean;     // (R)
  int64_t rows;     // R >= 0
  int64_t cols;     // n >= 1
  double share;     // 0 < share <= 1
  void* workspace;  // top_share_mean_workspace_bytes(...), aligned to 8 bytes
};
extern const KernelTable<TopShareMeanArgs> top_share_mean;

int64_t top_share_mean_workspace_bytes(Backend backend, int64_t rows, int64_t cols, double share);

// k of the formula above.
inline int64_t top_share_count(int64_t cols, double share) {
  return std::max<int64_t>(1, static_cast<int64_t>(std::floor(share * static_cast<double>(cols))));
}

}  // namespace assay::kernels
