// SPDX-License-Identifier: Apache-2.0
// The equations of combine.h in double with bounds of float32's errors, and the cases of the tests.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/arithmetic/combine.h"

namespace assay::kernels::ref {

struct CombineCase {
  int64_t rows, cols;
};

// Columns around the vector widths and packs; the last make the CPU cut pieces and CUDA's threads stride over rows.
inline const std::vector<CombineCase> kCombineCases = {
    {0, 3},  {3, 0},  {1, 1},  {2, 3},  {3, 4},  {5, 7},  {4, 8},   {7, 9},   {2, 15},   {3, 16},
    {2, 17}, {3, 31}, {2, 32}, {5, 33}, {3, 64}, {2, 65}, {1, 257}, {300, 5}, {90, 768}, {40000, 1}};

inline int64_t size_of_b(Broadcast broadcast, const CombineCase& s) {
  switch (broadcast) {
    case Broadcast::kNone:
      return s.rows * s.cols;
    case Broadcast::kRow:
      return s.cols;
    case Broadcast::kColumn:
      return s.rows;
    case Broadcast::kNumber:
      return 1;
  }
  return 0;
}

struct Combined {
  std::vector<double> value, tolerance;
};

// held: what y holds before; 0 where it is overwritten.
inline Combined combine(const std::vector<float>& a, const std::vector<float>& b, const CombineCase& s,
                        Combination combination, Broadcast broadcast, double alpha, double held) {
  Combined result;
  for (int64_t r = 0; r < s.rows; ++r) {
    for (int64_t c = 0; c < s.cols; ++c) {
      const int64_t places[] = {r * s.cols + c, c, r, 0};
      const double x = a[r * s.cols + c], y = alpha * b[places[static_cast<int>(broadcast)]];
      double value = y, size = std::fabs(y);
      if (combination == Combination::kAdd) value = x + y, size += std::fabs(x);
      if (combination == Combination::kMultiply) value = x * y, size *= std::fabs(x);
      result.value.push_back(value + held);
      result.tolerance.push_back(3 * 0x1p-24 * (size + std::fabs(held)));
    }
  }
  return result;
}

inline double combine_bytes(int64_t rows, int64_t cols, int64_t size_of_second) {
  return 4.0 * (2 * rows * cols + size_of_second);
}
inline double combine_flop(int64_t rows, int64_t cols) { return 2.0 * rows * cols; }

}  // namespace assay::kernels::ref
