// SPDX-License-Identifier: Apache-2.0
// Selection by sorting, and the cases of the tests.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace assay::kernels::ref {

// Around a warp, a block of 1024 and beyond.
inline const std::vector<int64_t> kKthLargestCounts = {1, 2, 3, 31, 32, 33, 255, 257, 1000, 1023, 1024, 1025, 5000};

// NaN first, then from the largest down.
inline double kth_largest(const std::vector<float>& x, int64_t k) {
  std::vector<double> sorted(x.begin(), x.end());
  std::sort(sorted.begin(), sorted.end(),
            [](double a, double b) { return std::isnan(a) ? !std::isnan(b) : !std::isnan(b) && a > b; });
  return sorted[k - 1];
}

inline double kth_largest_bytes(int64_t count) { return 4.0 * count; }

}  // namespace assay::kernels::ref
