// SPDX-License-Identifier: Apache-2.0
// Sums along an axis in double with bounds of float32's errors, and the cases of the tests.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/reduce/axis_sum.h"

namespace assay::kernels::ref {

struct AxisSumCase {
  int64_t rows, cols;
};

// Around the vector widths, a slab of 128 rows, a block's 8 rows, and the longest row of a warp.
inline const std::vector<AxisSumCase> kAxisSumCases = {
    {0, 4},    {4, 0},   {1, 1},   {2, 3},   {7, 4},   {8, 5},    {9, 8},    {5, 16},   {3, 17},  {4, 31},  {127, 32},
    {128, 33}, {129, 7}, {257, 3}, {40, 64}, {33, 65}, {2, 2048}, {2, 2049}, {1, 9000}, {700, 2}, {20, 768}};

struct AxisSum {
  std::vector<double> value, tolerance;
};

// The longest float32 sum of a column is that of a slab; of a row, one in four partial sums.
inline AxisSum column_sum(const std::vector<float>& x, const std::vector<float>& factor, const AxisSumCase& s,
                          double held) {
  AxisSum sums = {std::vector<double>(s.cols, held), std::vector<double>(s.cols, 2 * 0x1p-24 * std::fabs(held))};
  const double roundings = static_cast<double>(std::min(s.rows, kColumnSumSlabRows)) + 4;
  for (int64_t r = 0; r < s.rows; ++r) {
    for (int64_t c = 0; c < s.cols; ++c) {
      const double term = x[r * s.cols + c] * (factor.empty() ? 1.0 : factor[r * s.cols + c]);
      sums.value[c] += term;
      sums.tolerance[c] += roundings * 0x1p-24 * std::fabs(term);
    }
  }
  return sums;
}

inline AxisSum row_sum(const std::vector<float>& x, const std::vector<float>& factor, const AxisSumCase& s,
                       double held) {
  AxisSum sums;
  for (int64_t r = 0; r < s.rows; ++r) {
    double sum = held, size = std::fabs(held);
    for (int64_t c = 0; c < s.cols; ++c) {
      const double term = x[r * s.cols + c] * (factor.empty() ? 1.0 : factor[r * s.cols + c]);
      sum += term, size += std::fabs(term);
    }
    sums.value.push_back(sum);
    sums.tolerance.push_back((s.cols / 4.0 + 10) * 0x1p-24 * size);
  }
  return sums;
}

inline double axis_sum_bytes(int64_t rows, int64_t cols) { return 4.0 * rows * cols; }
inline double axis_sum_flop(int64_t rows, int64_t cols) { return 1.0 * rows * cols; }

}  // namespace assay::kernels::ref
