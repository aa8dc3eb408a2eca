// SPDX-License-Identifier: Apache-2.0
// The equation of gaussian_blur.h in double, and the cases of its tests.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

namespace assay::kernels {

struct GaussianBlurCase {
  int64_t height, width;
  double sigma;
  int64_t batch = 1;
};

// Widths around the vector widths 4, 8 and 16; radii from 0 (sigma 0.1) to far beyond the map's side.
inline const std::vector<GaussianBlurCase> kGaussianBlurCases = {
    {0, 5, 1},     {5, 0, 1},  {1, 1, 4},    {1, 13, 2},   {13, 1, 2},     {3, 3, 0},   {9, 7, 0.1}, {9, 8, 0.5},
    {7, 9, 1},     {6, 15, 1}, {15, 16, 2},  {16, 17, 3},  {31, 31, 4},    {33, 32, 4}, {5, 33, 4},  {2, 3, 10},
    {63, 65, 2.5}, {64, 1, 7}, {28, 28, 40}, {96, 131, 4}, {33, 40, 4, 3}, {2, 2, 1, 0}};

struct GaussianBlurExpected {
  std::vector<double> value;
  std::vector<double> magnitude;  // the blur of |x|: what rounding errors are measured against
};

// Reads the mirrored continuation by walking: one step beyond an edge stays on the edge's cell and turns round.
inline int64_t walk_mirrored(int64_t from, int64_t steps, int64_t n) {
  int64_t direction = steps < 0 ? -1 : 1;
  int64_t at = from;
  for (int64_t i = std::abs(steps); i > 0; --i) {
    if (at + direction < 0 || at + direction >= n) {
      direction = -direction;
    } else {
      at += direction;
    }
  }
  return at;
}

inline GaussianBlurExpected gaussian_blur_ref(const std::vector<float>& x, const GaussianBlurCase& s) {
  const int64_t radius = static_cast<int64_t>(4 * s.sigma + 0.5);
  std::vector<double> weights;
  double total = 0;
  for (int64_t i = -radius; i <= radius; ++i) {
    weights.push_back(s.sigma > 0 ? std::exp(-(i * i) / (2 * s.sigma * s.sigma)) : 1);
    total += weights.back();
  }
  const auto blur = [&](std::vector<double> map) {
    for (const bool down : {true, false}) {
      std::vector<double> out(map.size(), 0);
      for (int64_t line = 0; line < s.batch * s.height; ++line) {
        const int64_t h = line % s.height, first = line - h;
        for (int64_t w = 0; w < s.width; ++w) {
          for (int64_t i = -radius; i <= radius; ++i) {
            const int64_t from = down ? (first + walk_mirrored(h, i, s.height)) * s.width + w
                                      : line * s.width + walk_mirrored(w, i, s.width);
            out[line * s.width + w] += weights[i + radius] / total * map[from];
          }
        }
      }
      map = out;
    }
    return map;
  };
  std::vector<double> value(x.begin(), x.end()), magnitude(value);
  for (double& v : magnitude) v = std::fabs(v);
  return {blur(value), blur(magnitude)};
}

}  // namespace assay::kernels
