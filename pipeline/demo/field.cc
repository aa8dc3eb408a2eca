// SPDX-License-Identifier: Apache-2.0
#include "pipeline/demo/field.h"

#include <algorithm>
#include <cmath>

namespace assay::demo {

LatticeNoise::LatticeNoise(kernels::Generator& generator, float cell_x, float cell_y)
    : cell_x_(cell_x),
      cell_y_(cell_y),
      columns_(static_cast<int64_t>(2 * kSide / cell_x) + 3),
      rows_(static_cast<int64_t>(2 * kSide / cell_y) + 3),
      values_(columns_ * rows_) {
  for (float& value : values_) value = between(generator, -1, 1);
}

float LatticeNoise::at(float x, float y) const {
  const float column = (x + kSide / 2) / cell_x_, row = (y + kSide / 2) / cell_y_;
  const int64_t left = floor_of(column), top = floor_of(row);
  const float across = smooth_step(0, 1, column - left), down = smooth_step(0, 1, row - top);
  const auto inside = [](int64_t i, int64_t n) { return std::clamp<int64_t>(i, 0, n - 1); };
  const float* upper = &values_[inside(top, rows_) * columns_];
  const float* lower = &values_[inside(top + 1, rows_) * columns_];
  const int64_t l = inside(left, columns_), r = inside(left + 1, columns_);
  const float above = upper[l] + across * (upper[r] - upper[l]);
  const float below = lower[l] + across * (lower[r] - lower[l]);
  return above + down * (below - above);
}

float between(kernels::Generator& generator, float low, float high) {
  return low + (high - low) * static_cast<float>(generator.bits() >> 8) * 0x1p-24f;
}

bool happens(kernels::Generator& generator, float probability) { return between(generator, 0, 1) < probability; }

float smooth_step(float from, float to, float x) {
  const float t = std::clamp((x - from) / (to - from), 0.0f, 1.0f);
  return t * t * (3 - 2 * t);
}

float bump(float distance_squared) {
  const float inside = std::max(0.0f, 1 - distance_squared);
  return inside * inside;
}

int64_t floor_of(float x) {
  const int64_t toward_zero = static_cast<int64_t>(x);
  return toward_zero - (static_cast<float>(toward_zero) > x ? 1 : 0);
}

float sine(float turns) {
  // A parabola through the zeros and extremes, then a correction that takes the error from 0.06 to 0.001.
  const float t = turns - floor_of(turns) - 0.5f;  // [-0.5, 0.5): the sine's sign is turned
  const float parabola = 16 * t * (0.5f - std::fabs(t));
  return -(0.225f * (parabola * std::fabs(parabola) - parabola) + parabola);
}

Direction direction(float turns) {
  const float x = sine(turns + 0.25f), y = sine(turns);
  const float length = std::sqrt(x * x + y * y);  // correctly rounded everywhere, unlike the rest of the maths library
  return {x / length, y / length};
}

float turns_of(float x, float y) {
  const float ax = std::fabs(x), ay = std::fabs(y);
  if (ax + ay == 0) return 0;
  const float ratio = std::min(ax, ay) / std::max(ax, ay);
  const float r2 = ratio * ratio;
  // Least-squares polynomial of atan on [0, 1], in turns: off by 5e-6 at most.
  float turns = ratio * (0.1591363f + r2 * (-0.0526155f + r2 * (0.0288741f + r2 * (-0.0138663f + r2 * 0.0034762f))));
  if (ay > ax) turns = 0.25f - turns;
  if (x < 0) turns = 0.5f - turns;
  if (y < 0) turns = 1 - turns;
  return turns < 1 ? turns : 0;
}

}  // namespace assay::demo
