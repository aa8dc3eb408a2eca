// SPDX-License-Identifier: Apache-2.0
// The definitions of gather.h, element by element, and the cases of its tests.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

namespace assay::kernels {

struct GatherCase {
  int64_t x_rows, x_cols, count;
};

// Widths around the lane groups and the threads of a block along a row, counts that need several blocks, and none.
inline const std::vector<GatherCase> kGatherCases = {{1, 1, 1},   {0, 4, 0},  {3, 0, 2},   {4, 4, 0},    {7, 3, 11},
                                                     {5, 4, 300}, {9, 8, 33}, {33, 31, 9}, {6, 260, 17}, {2, 1031, 5}};

inline double element_or_nan(const std::vector<float>& x, int64_t rows, int64_t cols, int64_t r, int64_t c) {
  const bool is_there = r >= 0 && r < rows && c >= 0 && c < cols;
  return is_there ? static_cast<double>(x[r * cols + c]) : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace assay::kernels
