// SPDX-License-Identifier: Apache-2.0
// Totals in double with bounds of float32's errors, and the cases of the tests.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "kernels/reduce/total.h"

namespace assay::kernels::ref {

// Around the vector widths, a block, the CPU's run of 1024 and a piece.
inline const std::vector<int64_t> kTotalCounts = {0,  1,   2,   5,    7,    8,     9,     16,    17,   31,
                                                  33, 255, 257, 1023, 1025, 16383, 16384, 16385, 50000};

inline double total(const std::vector<float>& x, Total which) {
  double sum = 0, maximum = -std::numeric_limits<double>::infinity();
  for (const float v : x) sum += v, maximum = std::max<double>(maximum, v);
  if (which == Total::kMaximum) return maximum;
  return which == Total::kMean ? sum / static_cast<double>(x.size()) : sum;
}

// float32 sums of 1024 elements in four partial sums, the rest in double, one rounding at the end.
inline double total_tolerance(const std::vector<float>& x, Total which) {
  if (which == Total::kMaximum) return 0;
  double size = 0;
  for (const float v : x) size += std::fabs(v);
  return (260 + 1) * 0x1p-24 * size / (which == Total::kMean ? static_cast<double>(x.size()) : 1);
}

inline double total_bytes(int64_t count) { return 4.0 * count; }
inline double total_flop(int64_t count) { return 1.0 * count; }

}  // namespace assay::kernels::ref
