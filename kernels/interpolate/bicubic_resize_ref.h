// SPDX-License-Identifier: Apache-2.0
// The equation of bicubic_resize.h in double, and the cases of its tests.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace assay::kernels {

struct BicubicResizeCase {
  int64_t height, width, channels, out_height, out_width;
  double offset = 0;  // added to the output size where the step is computed, as DINOv2's interpolate_offset
  int64_t batch = 1;

  double step_down() const { return height / (out_height + offset); }
  double step_across() const { return width / (out_width + offset); }
};

// Channels around the vector widths; growing, shrinking, one cell; DINOv2's 37 x 37 to 16 x 16 and to no square.
inline const std::vector<BicubicResizeCase> kBicubicResizeCases = {
    {1, 1, 1, 1, 1},       {1, 1, 3, 5, 4},           {3, 4, 0, 5, 6},          {3, 4, 2, 0, 6},
    {2, 9, 4, 3, 0},       {1, 9, 1, 3, 4},           {7, 5, 7, 7, 5},          {7, 5, 8, 14, 10},
    {7, 5, 9, 3, 2},       {2, 3, 15, 13, 11},        {4, 4, 16, 9, 5},         {3, 3, 17, 4, 8, 0.1},
    {6, 6, 33, 5, 5, 0},   {37, 37, 24, 16, 16, 0.1}, {37, 37, 5, 10, 22, 0.1}, {4, 5, 4, 6, 7, 0.1, 3},
    {4, 5, 3, 6, 7, 0, 2}, {4, 5, 3, 6, 7, 0, 0}};

struct BicubicResizeExpected {
  std::vector<double> value;
  std::vector<double> magnitude;  // sum of |weight * x|: what rounding errors are measured against
};

// Keys' kernel at distance t.
inline double keys_kernel(double t) {
  const double a = -0.75;
  t = std::fabs(t);
  if (t <= 1) return (a + 2) * t * t * t - (a + 3) * t * t + 1;
  if (t < 2) return a * t * t * t - 5 * a * t * t + 8 * a * t - 4 * a;
  return 0;
}

inline BicubicResizeExpected bicubic_resize_ref(const std::vector<float>& x, const BicubicResizeCase& s) {
  BicubicResizeExpected e;
  for (int64_t line = 0; line < s.batch * s.out_height; ++line) {
    const int64_t first = line / s.out_height * s.height;
    const double down = (line % s.out_height + 0.5) * s.step_down() - 0.5;
    for (int64_t j = 0; j < s.out_width; ++j) {
      const double across = (j + 0.5) * s.step_across() - 0.5;
      for (int64_t c = 0; c < s.channels; ++c) {
        double value = 0, magnitude = 0;
        for (int64_t h = -3; h < s.height + 3; ++h) {
          for (int64_t w = -3; w < s.width + 3; ++w) {
            const double weight = keys_kernel(down - h) * keys_kernel(across - w);
            const int64_t row = std::clamp<int64_t>(h, 0, s.height - 1),
                          column = std::clamp<int64_t>(w, 0, s.width - 1);
            const double term = weight * x[((first + row) * s.width + column) * s.channels + c];
            value += term;
            magnitude += std::fabs(term);
          }
        }
        e.value.push_back(value);
        e.magnitude.push_back(magnitude);
      }
    }
  }
  return e;
}

}  // namespace assay::kernels
