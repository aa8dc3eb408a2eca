// SPDX-License-Identifier: Apache-2.0
// The equation of normalise_rows.h in double, and the cases of its tests.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

namespace assay::kernels {

struct NormaliseRowsCase {
  int64_t rows, cols, y_cols, begin;
};

// Columns around a warp; rows around a block of eight; the backbone's 40 of 152.
inline const std::vector<NormaliseRowsCase> kNormaliseRowsCases = {
    {0, 5, 9, 2},    {3, 0, 4, 4},   {1, 1, 1, 0},   {7, 3, 3, 0},      {8, 31, 40, 9},      {9, 32, 64, 32},
    {17, 33, 33, 0}, {5, 63, 70, 7}, {4, 65, 66, 1}, {256, 40, 152, 0}, {256, 112, 152, 40}, {2, 1025, 1030, 3}};

// Row of (C) to (C).
inline std::vector<double> normalise_row_ref(const float* x, int64_t cols) {
  long double square = 0;
  for (int64_t c = 0; c < cols; ++c) square += static_cast<long double>(x[c]) * x[c];
  std::vector<double> y;
  for (int64_t c = 0; c < cols; ++c) {
    y.push_back(square > 0 ? static_cast<double>(x[c] / std::sqrt(square)) : static_cast<double>(x[c]));
  }
  return y;
}

}  // namespace assay::kernels
