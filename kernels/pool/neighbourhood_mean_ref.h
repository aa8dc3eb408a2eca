// SPDX-License-Identifier: Apache-2.0
// The equation of neighbourhood_mean.h in double, and the cases of its tests.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

namespace assay::kernels {

struct NeighbourhoodMeanCase {
  int64_t height, width, channels, window;
  int64_t batch = 1;
};

// Vector widths are 4, 8 and 16 floats: channels one below, at and above each.
inline const std::vector<NeighbourhoodMeanCase> kNeighbourhoodMeanCases = {
    {0, 3, 4, 3},   {3, 0, 4, 3},     {2, 2, 0, 3},     {1, 1, 1, 1},   {1, 1, 5, 3},  {1, 7, 3, 3},
    {7, 1, 4, 5},   {2, 2, 7, 5},     {5, 3, 8, 3},     {3, 5, 9, 1},   {4, 4, 15, 3}, {4, 6, 16, 5},
    {6, 4, 17, 3},  {3, 3, 31, 9},    {5, 5, 32, 3},    {5, 4, 33, 7},  {2, 3, 63, 3}, {3, 2, 65, 3},
    {13, 11, 1, 3}, {28, 28, 152, 3}, {4, 6, 16, 5, 3}, {2, 2, 5, 3, 0}};

struct NeighbourhoodMeanExpected {
  std::vector<double> mean;
  std::vector<double> magnitude;  // mean of |x| over the same window: what rounding errors are measured against
};

inline NeighbourhoodMeanExpected neighbourhood_mean_ref(const std::vector<float>& x, const NeighbourhoodMeanCase& s) {
  NeighbourhoodMeanExpected e;
  for (int64_t row = 0; row < s.batch * s.height; ++row) {
    const int64_t first = row / s.height * s.height, h = row % s.height;
    for (int64_t w = 0; w < s.width; ++w) {
      for (int64_t c = 0; c < s.channels; ++c) {
        double sum = 0, magnitude = 0;
        int64_t count = 0;
        for (int64_t i = 0; i < s.height; ++i) {
          for (int64_t j = 0; j < s.width; ++j) {
            if (2 * std::abs(i - h) >= s.window || 2 * std::abs(j - w) >= s.window) continue;
            const double value = x[((first + i) * s.width + j) * s.channels + c];
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
