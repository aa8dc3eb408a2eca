// SPDX-License-Identifier: Apache-2.0
#include "pipeline/demo/field.h"

#include <doctest/doctest.h>

#include <cmath>

namespace assay::demo {
namespace {

constexpr double kTwoPi = 6.283185307179586;

TEST_CASE("sine, direction and turns_of are what the maths library says, to the promised error") {
  for (int i = -300; i <= 300; ++i) {
    const float turns = static_cast<float>(i) / 97;
    CAPTURE(turns);
    CHECK(std::fabs(sine(turns) - std::sin(kTwoPi * turns)) <= 1.2e-3);
    const Direction d = direction(turns);
    CHECK(std::fabs(d.x * d.x + d.y * d.y - 1) <= 1e-6);
    const double exact = std::cos(kTwoPi * turns), exact_y = std::sin(kTwoPi * turns);
    const double angle = std::atan2(exact_y, exact) / kTwoPi;
    const float found = turns_of(static_cast<float>(exact), static_cast<float>(exact_y));
    CHECK(found >= 0);
    CHECK(found < 1);
    const double off = found - angle;
    CHECK(std::fabs(off - std::round(off)) <= 1e-5);
  }
  CHECK(turns_of(0, 0) == 0);
}

TEST_CASE("floor_of rounds down on both sides of zero") {
  CHECK(floor_of(1.5f) == 1);
  CHECK(floor_of(-1.5f) == -2);
  CHECK(floor_of(-2) == -2);
  CHECK(floor_of(0) == 0);
}

TEST_CASE("lattice noise is continuous, stays in [-1, 1] and ends at a constant outside") {
  kernels::Generator generator(3);
  const LatticeNoise noise(generator, 8, 3);
  float lowest = 1, highest = -1;
  for (int i = -400; i < 800; ++i) {
    for (int j = -400; j < 800; j += 7) {
      const float x = static_cast<float>(i) * 0.9f, y = static_cast<float>(j) * 0.9f;
      const float value = noise.at(x, y);
      lowest = std::min(lowest, value);
      highest = std::max(highest, value);
      // A cubic's steepest slope is 1.5 over a cell, between values 2 apart.
      CHECK(std::fabs(noise.at(x + 0.01f, y) - value) <= 2 * 1.5 * 0.01 / 8 + 1e-5);
    }
  }
  CHECK(lowest >= -1);
  CHECK(highest <= 1);
  CHECK(highest - lowest > 1.5f);
  CHECK(noise.at(5000, 10) == noise.at(9000, 10));
}

}  // namespace
}  // namespace assay::demo
