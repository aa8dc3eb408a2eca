// SPDX-License-Identifier: Apache-2.0
// The equation of bilinear_resize.h in double, and the cases of its tests.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/interpolate/bilinear_resize.h"

namespace assay::kernels {

struct BilinearResizeCase {
  int64_t height, width, channels, out_height, out_width;
  int64_t batch = 1;
  PixelAlignment alignment = PixelAlignment::kCentres;
};

// Channels around the vector widths 4, 8 and 16; columns around the kernel's block of 256; one cell; one row.
inline const std::vector<BilinearResizeCase> kBilinearResizeCases = {{1, 1, 1, 1, 1},
                                                                     {1, 1, 3, 5, 4},
                                                                     {3, 4, 0, 5, 6},
                                                                     {3, 4, 2, 0, 6},
                                                                     {3, 4, 2, 6, 0},
                                                                     {1, 9, 1, 3, 4},
                                                                     {9, 1, 4, 4, 3},
                                                                     {7, 5, 7, 7, 5},
                                                                     {7, 5, 8, 14, 10},
                                                                     {7, 5, 9, 3, 2},
                                                                     {2, 3, 15, 13, 11},
                                                                     {5, 4, 16, 11, 3},
                                                                     {4, 5, 17, 1, 1},
                                                                     {3, 3, 31, 5, 5},
                                                                     {3, 3, 33, 4, 7},
                                                                     {13, 17, 1, 50, 255},
                                                                     {4, 4, 1, 3, 256},
                                                                     {4, 4, 1, 3, 257},
                                                                     {2, 600, 1, 3, 513},
                                                                     {14, 14, 112, 28, 28},
                                                                     {3, 4, 5, 6, 7, 3},
                                                                     {3, 4, 8, 7, 5, 2},
                                                                     {2, 2, 4, 3, 3, 0},
                                                                     {5, 7, 4, 9, 13, 2, PixelAlignment::kCorners},
                                                                     {5, 7, 1, 1, 1, 1, PixelAlignment::kCorners},
                                                                     {1, 1, 3, 4, 2, 1, PixelAlignment::kCorners},
                                                                     {9, 8, 33, 3, 600, 1, PixelAlignment::kCorners}};

struct BilinearResizeExpected {
  std::vector<double> value;
  std::vector<double> magnitude;  // largest |x| among the four cells: what rounding errors are measured against
};

inline BilinearResizeExpected bilinear_resize_ref(const std::vector<float>& x, const BilinearResizeCase& s) {
  BilinearResizeExpected e;
  // How much cell `cell` of `in` weighs in output `i` of `out`: a triangle of width 1 around the output's position.
  const auto weight = [&](int64_t cell, int64_t i, int64_t in, int64_t out) {
    double position = std::clamp((i + 0.5) * in / out - 0.5, 0.0, in - 1.0);
    if (s.alignment == PixelAlignment::kCorners) position = out == 1 ? 0.0 : i * (in - 1.0) / (out - 1.0);
    return std::max(0.0, 1 - std::fabs(position - cell));
  };
  for (int64_t line = 0; line < s.batch * s.out_height; ++line) {
    const int64_t i = line % s.out_height, first = line / s.out_height * s.height;
    for (int64_t j = 0; j < s.out_width; ++j) {
      for (int64_t c = 0; c < s.channels; ++c) {
        double value = 0, magnitude = 0;
        for (int64_t h = 0; h < s.height; ++h) {
          const double down = weight(h, i, s.height, s.out_height);
          if (down == 0) continue;
          for (int64_t w = 0; w < s.width; ++w) {
            const double across = weight(w, j, s.width, s.out_width);
            if (across == 0) continue;
            const double cell = x[((first + h) * s.width + w) * s.channels + c];
            value += down * across * cell;
            magnitude = std::max(magnitude, std::fabs(cell));
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
