// SPDX-License-Identifier: Apache-2.0
#include "kernels/interpolate/bilinear_resize.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernels/interpolate/bilinear_resize_ref.h"
#include "tests/golden/map_kernels.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/staging.h"
#include "tests/support/targets.h"

namespace assay::kernels {
namespace {

using testing::for_each_target;
using testing::GuardedBuffer;
using testing::Staging;

std::vector<float> random_grid(const BilinearResizeCase& s, uint32_t seed) {
  std::mt19937 engine(seed);
  std::vector<float> x(s.batch * s.height * s.width * s.channels);
  for (float& v : x) v = static_cast<float>(engine() * 0x1p-32 * 7 - 3);
  return x;
}

// `offset` moves both arrays off the alignment that wide loads want.
std::vector<float> resized(const std::vector<float>& x, const BilinearResizeCase& s, int64_t offset = 1) {
  GuardedBuffer<float> in(static_cast<int64_t>(x.size()), offset);
  std::copy(x.begin(), x.end(), in.data());
  GuardedBuffer<float> y(s.batch * s.out_height * s.out_width * s.channels, offset);
  Staging staging;
  run(bilinear_resize,
      {staging.in(in), staging.out(y), s.height, s.width, s.channels, s.out_height, s.out_width, s.batch, s.alignment},
      staging.stream());
  staging.finish();
  CHECK((x.empty() || std::memcmp(in.data(), x.data(), x.size() * sizeof(float)) == 0));
  CHECK(y.guards_intact());
  return y.values();
}

void check_against_reference(const BilinearResizeCase& s, uint32_t seed) {
  CAPTURE(s.height);
  CAPTURE(s.width);
  CAPTURE(s.channels);
  CAPTURE(s.out_height);
  CAPTURE(s.out_width);
  CAPTURE(seed);
  const std::vector<float> x = random_grid(s, seed);
  const std::vector<float> y = resized(x, s);
  CHECK(resized(x, s, 0) == y);
  const BilinearResizeExpected expected = bilinear_resize_ref(x, s);
  CHECK(x == random_grid(s, seed));
  // Two interpolations one after the other, each: two weights rounded, two products, one sum. A position rounded
  // across a cell's boundary (double) moves the value by far less.
  int64_t wrong = 0;
  for (size_t i = 0; i < y.size(); ++i) {
    if (!(std::fabs(y[i] - expected.value[i]) <= 2 * 5 * 0x1p-24 * expected.magnitude[i])) ++wrong;
  }
  CHECK(wrong == 0);
}

TEST_CASE("bilinear_resize agrees with the double reference at the edges of every width") {
  for_each_target([](const char* target) {
    CAPTURE(target);
    for (const BilinearResizeCase& s : kBilinearResizeCases) check_against_reference(s, 1);
  });
}

TEST_CASE("bilinear_resize agrees with the double reference on random shapes") {
  for_each_target([](const char* target) {
    CAPTURE(target);
    std::mt19937 engine(7);
    for (uint32_t seed = 0; seed < 60; ++seed) {
      const auto below = [&](int64_t n) { return static_cast<int64_t>(engine() % n); };
      const BilinearResizeCase s = {below(14) + 1,
                                    below(14) + 1,
                                    below(36),
                                    below(30),
                                    below(30),
                                    below(3),
                                    engine() % 2 == 0 ? PixelAlignment::kCentres : PixelAlignment::kCorners};
      check_against_reference(s, seed);
    }
  });
}

TEST_CASE("bilinear_resize gives the golden values of torch") {
  const std::vector<float> x(testing::kGoldenMap.begin(), testing::kGoldenMap.end());
  const auto check = [&](const BilinearResizeCase& s, const std::vector<double>& golden) {
    const std::vector<float> y = resized(x, s);
    REQUIRE(y.size() == golden.size());
    for (size_t i = 0; i < y.size(); ++i) CHECK(std::fabs(y[i] - golden[i]) <= 1e-5);
  };
  check({5, 7, 1, 3, 11}, testing::kGoldenResize3x11);
  check({5, 7, 1, 8, 2}, testing::kGoldenResize8x2);
  check({5, 7, 1, 8, 12, 1, PixelAlignment::kCorners}, testing::kGoldenCorners8x12);
}

TEST_CASE("bilinear_resize to the same size copies, and keeps a constant and the range of its input") {
  const BilinearResizeCase same = {6, 5, 3, 6, 5};
  CHECK(resized(random_grid(same, 2), same) == random_grid(same, 2));
  const BilinearResizeCase same_corners = {6, 5, 3, 6, 5, 1, PixelAlignment::kCorners};
  CHECK(resized(random_grid(same_corners, 2), same_corners) == random_grid(same_corners, 2));
  const std::vector<float> eights(4 * 5, 8.0f);
  CHECK(resized(eights, {4, 5, 1, 32, 40}) == std::vector<float>(32 * 40, 8.0f));
}

TEST_CASE("bilinear_resize with corners aligned keeps the corners in place") {
  const BilinearResizeCase s = {4, 5, 1, 11, 13, 1, PixelAlignment::kCorners};
  const std::vector<float> x = random_grid(s, 9), y = resized(x, s);
  CHECK(y[0] == x[0]);
  CHECK(y[12] == x[4]);
  CHECK(y[10 * 13] == x[3 * 5]);
  CHECK(y[10 * 13 + 12] == x[3 * 5 + 4]);
}

TEST_CASE("bilinear_resize spreads NaN to the outputs between its cell and the next, and to no others") {
  std::vector<float> x(8, 1.0f);
  x[4] = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> y = resized(x, {1, 8, 1, 1, 16});
  for (int i = 0; i < 16; ++i) CHECK(std::isnan(y[i]) == (i >= 7 && i <= 10));
}

}  // namespace
}  // namespace assay::kernels
