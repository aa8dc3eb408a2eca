// SPDX-License-Identifier: Apache-2.0
// The equation of max_pool.h in double, and the cases of its tests.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "kernels/pool/pool_window.h"

namespace assay::kernels {

struct MaxPoolCase {
  int64_t height, width, channels, window, stride, padding;
  int64_t batch = 1;

  int64_t out_height() const { return pooled_length(height, window, stride, padding); }
  int64_t out_width() const { return pooled_length(width, window, stride, padding); }
};

// Channels around the vector widths 4, 8 and 16; windows that do not fit, that leave cells over, that overlap;
// ResNet's.
inline const std::vector<MaxPoolCase> kMaxPoolCases = {
    {0, 3, 4, 2, 2, 0},  {3, 3, 0, 2, 2, 0},     {2, 3, 4, 3, 1, 0},       {1, 1, 1, 1, 1, 0},   {5, 7, 3, 2, 2, 0},
    {5, 7, 4, 2, 2, 1},  {6, 5, 7, 3, 2, 1},     {7, 7, 9, 5, 1, 2},       {4, 9, 15, 3, 3, 0},  {9, 4, 16, 3, 3, 1},
    {5, 5, 17, 4, 3, 2}, {3, 8, 33, 3, 1, 1, 3}, {24, 20, 64, 3, 2, 1, 2}, {4, 4, 4, 2, 2, 0, 0}};

// NaN where the window holds one.
inline std::vector<double> max_pool_ref(const std::vector<float>& x, const MaxPoolCase& s) {
  std::vector<double> y;
  for (int64_t line = 0; line < s.batch * s.out_height(); ++line) {
    const int64_t first = line / s.out_height() * s.height;
    for (int64_t j = 0; j < s.out_width(); ++j) {
      for (int64_t c = 0; c < s.channels; ++c) {
        double largest = -std::numeric_limits<double>::infinity();
        for (int64_t u = 0; u < s.window * s.window; ++u) {
          const int64_t h = line % s.out_height() * s.stride - s.padding + u / s.window;
          const int64_t w = j * s.stride - s.padding + u % s.window;
          if (h < 0 || h >= s.height || w < 0 || w >= s.width) continue;
          const double value = x[((first + h) * s.width + w) * s.channels + c];
          if (std::isnan(value) || value > largest) largest = value;
        }
        y.push_back(largest);
      }
    }
  }
  return y;
}

}  // namespace assay::kernels
