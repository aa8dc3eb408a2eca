// SPDX-License-Identifier: Apache-2.0
// The equations of average_pool.h in double, and the cases of its tests.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/pool/average_pool.h"

namespace assay::kernels {

struct AveragePoolCase {
  int64_t height, width, channels, window, stride, padding;
  PaddingCount padding_count = PaddingCount::kIncluded;
  int64_t batch = 1;

  int64_t out_height() const { return pooled_length(height, window, stride, padding); }
  int64_t out_width() const { return pooled_length(width, window, stride, padding); }
};

// Channels around the vector widths 4, 8 and 16; windows that do not fit, that leave cells over, that overlap.
inline const std::vector<AveragePoolCase> kAveragePoolCases = {{0, 3, 4, 2, 2, 0},
                                                               {3, 3, 0, 2, 2, 0},
                                                               {2, 3, 4, 3, 1, 0},
                                                               {1, 1, 1, 1, 1, 0},
                                                               {5, 7, 3, 2, 2, 0},
                                                               {5, 7, 4, 2, 2, 1},
                                                               {6, 5, 7, 3, 2, 1},
                                                               {6, 5, 8, 3, 2, 1, PaddingCount::kExcluded},
                                                               {7, 7, 9, 5, 1, 2, PaddingCount::kExcluded},
                                                               {4, 9, 15, 3, 3, 0},
                                                               {9, 4, 16, 3, 3, 1},
                                                               {5, 5, 17, 4, 3, 2},
                                                               {3, 8, 33, 3, 1, 1, PaddingCount::kIncluded, 3},
                                                               {16, 16, 112, 3, 2, 1, PaddingCount::kExcluded, 2},
                                                               {4, 4, 4, 2, 2, 0, PaddingCount::kIncluded, 0}};

struct AdaptiveAveragePoolCase {
  int64_t height, width, channels, out_height, out_width;
  int64_t batch = 1;
};

// To one cell, to divisors, to overlapping windows, to more cells than there are.
inline const std::vector<AdaptiveAveragePoolCase> kAdaptiveAveragePoolCases = {
    {1, 1, 1, 1, 1},     {7, 5, 4, 1, 1},  {8, 6, 3, 4, 2},        {7, 5, 7, 3, 2},   {5, 4, 8, 9, 7},
    {6, 6, 9, 4, 5},     {3, 3, 0, 2, 2},  {3, 3, 2, 0, 2},        {3, 3, 2, 2, 0},   {13, 11, 15, 6, 6, 3},
    {4, 7, 17, 3, 3, 2}, {5, 5, 33, 2, 4}, {16, 16, 112, 7, 7, 2}, {2, 2, 4, 1, 1, 0}};

struct PoolExpected {
  std::vector<double> mean;
  std::vector<double> magnitude;  // mean of |x|: what rounding errors are measured against
};

inline PoolExpected average_pool_ref(const std::vector<float>& x, const AveragePoolCase& s) {
  PoolExpected e;
  for (int64_t line = 0; line < s.batch * s.out_height(); ++line) {
    const int64_t first = line / s.out_height() * s.height;
    for (int64_t j = 0; j < s.out_width(); ++j) {
      for (int64_t c = 0; c < s.channels; ++c) {
        double sum = 0, magnitude = 0;
        int64_t inside = 0;
        for (int64_t u = 0; u < s.window * s.window; ++u) {
          const int64_t h = line % s.out_height() * s.stride - s.padding + u / s.window;
          const int64_t w = j * s.stride - s.padding + u % s.window;
          if (h < 0 || h >= s.height || w < 0 || w >= s.width) continue;
          const double value = x[((first + h) * s.width + w) * s.channels + c];
          sum += value;
          magnitude += std::fabs(value);
          ++inside;
        }
        const int64_t count = s.padding_count == PaddingCount::kIncluded ? s.window * s.window : inside;
        e.mean.push_back(sum / count);
        e.magnitude.push_back(magnitude / count);
      }
    }
  }
  return e;
}

// A cell belongs to output i where [cell, cell + 1) meets [i n / out, (i + 1) n / out).
inline PoolExpected adaptive_average_pool_ref(const std::vector<float>& x, const AdaptiveAveragePoolCase& s) {
  const auto belongs = [](int64_t cell, int64_t i, int64_t n, int64_t out) {
    return (cell + 1) * out > i * n && cell * out < (i + 1) * n;
  };
  PoolExpected e;
  for (int64_t line = 0; line < s.batch * s.out_height; ++line) {
    const int64_t first = line / s.out_height * s.height;
    for (int64_t j = 0; j < s.out_width; ++j) {
      for (int64_t c = 0; c < s.channels; ++c) {
        double sum = 0, magnitude = 0;
        int64_t count = 0;
        for (int64_t h = 0; h < s.height; ++h) {
          for (int64_t w = 0; w < s.width; ++w) {
            if (!belongs(h, line % s.out_height, s.height, s.out_height) || !belongs(w, j, s.width, s.out_width)) {
              continue;
            }
            const double value = x[((first + h) * s.width + w) * s.channels + c];
            sum += value;
            magnitude += std::fabs(value);
            ++count;
          }
        }
        e.mean.push_back(sum / count);
        e.magnitude.push_back(magnitude / count);
      }
    }
  }
  return e;
}

}  // namespace assay::kernels
