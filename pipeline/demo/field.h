// SPDX-License-Identifier: Apache-2.0
// What the synthetic images are drawn with: fields of floats, smooth noise and a few functions. Nothing here calls the
// maths library and BUILD forbids fused multiply-adds, so that the same seed draws the same bytes on every machine.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/random/generator.h"

namespace assay::demo {

constexpr int64_t kSide = 256;  // width and height of every image, in pixels

// One float a pixel.
class Field {
 public:
  explicit Field(float value = 0) : values_(kSide * kSide, value) {}
  float& at(int64_t x, int64_t y) { return values_[y * kSide + x]; }
  float at(int64_t x, int64_t y) const { return values_[y * kSide + x]; }

 private:
  std::vector<float> values_;
};

// Calls body(x, y) for every pixel, row by row.
template <class Body>
void for_each_pixel(const Body& body) {
  for (int64_t y = 0; y < kSide; ++y) {
    for (int64_t x = 0; x < kSide; ++x) body(x, y);
  }
}

// Smooth noise in [-1, 1]: random values on a lattice of cell_x by cell_y pixels, blended by a cubic. Unequal cells
// make streaks. Constant beyond [-kSide / 2, 3 kSide / 2), which no rotation of the image's square leaves.
class LatticeNoise {
 public:
  LatticeNoise(kernels::Generator& generator, float cell_x, float cell_y);
  float at(float x, float y) const;

 private:
  float cell_x_, cell_y_;
  int64_t columns_, rows_;
  std::vector<float> values_;  // (rows, columns)
};

// Uniform in [low, high).
float between(kernels::Generator& generator, float low, float high);
bool happens(kernels::Generator& generator, float probability);
// 0 below `from`, 1 above `to`, a cubic in between; from < to.
float smooth_step(float from, float to, float x);
// (1 - r^2)^2 within distance 1, and 0 outside, of the distance's square.
float bump(float distance_squared);
// Rounds down, for coordinates that fit an int64_t.
int64_t floor_of(float x);

// An angle's direction. Angles are in turns: 0.25 is a right angle.
struct Direction {
  float x, y;
};
Direction direction(float turns);
// sin(2 pi turns), to 1e-3.
float sine(float turns);
// The angle of (x, y) in turns, in [0, 1), to 1e-4; 0 for the origin.
float turns_of(float x, float y);

}  // namespace assay::demo
