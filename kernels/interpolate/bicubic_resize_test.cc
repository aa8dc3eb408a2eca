// SPDX-License-Identifier: Apache-2.0
#include "kernels/interpolate/bicubic_resize.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernels/interpolate/bicubic_resize_ref.h"
#include "tests/golden/map_kernels.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/staging.h"
#include "tests/support/targets.h"

namespace assay::kernels {
namespace {

using testing::for_each_target;
using testing::GuardedBuffer;
using testing::Staging;

std::vector<float> random_grid(const BicubicResizeCase& s, uint32_t seed) {
  std::mt19937 engine(seed);
  std::vector<float> x(s.batch * s.height * s.width * s.channels);
  for (float& v : x) v = static_cast<float>(engine() * 0x1p-32 * 7 - 3);
  return x;
}

// `offset` moves both arrays off the alignment that wide loads want.
std::vector<float> resized(const std::vector<float>& x, const BicubicResizeCase& s, int64_t offset = 1) {
  GuardedBuffer<float> in(static_cast<int64_t>(x.size()), offset);
  std::copy(x.begin(), x.end(), in.data());
  GuardedBuffer<float> y(s.batch * s.out_height * s.out_width * s.channels, offset);
  Staging staging;
  run(bicubic_resize,
      {staging.in(in), staging.out(y), s.height, s.width, s.channels, s.out_height, s.out_width, s.step_down(),
       s.step_across(), s.batch},
      staging.stream());
  staging.finish();
  CHECK(y.guards_intact());
  CHECK((x.empty() || std::memcmp(in.data(), x.data(), x.size() * sizeof(float)) == 0));
  return y.values();
}

void check_against_reference(const BicubicResizeCase& s, uint32_t seed) {
  CAPTURE(s.height);
  CAPTURE(s.width);
  CAPTURE(s.channels);
  CAPTURE(s.out_height);
  CAPTURE(s.out_width);
  CAPTURE(s.offset);
  CAPTURE(s.batch);
  CAPTURE(seed);
  const std::vector<float> x = random_grid(s, seed);
  const std::vector<float> y = resized(x, s);
  CHECK(resized(x, s, 0) == y);
  const BicubicResizeExpected expected = bicubic_resize_ref(x, s);
  REQUIRE(y.size() == expected.value.size());
  // Each of two sums of four rounds its weights, products and partial sums: at most nine roundings of a term. Weights
  // near zero are known to 2^-50 of one only, which moves a value of at most 3.5 by less than the last addend.
  int64_t wrong = 0;
  for (size_t i = 0; i < y.size(); ++i) {
    if (!(std::fabs(y[i] - expected.value[i]) <= 2 * 9 * 0x1p-24 * expected.magnitude[i] + 1e-13)) ++wrong;
  }
  CHECK(wrong == 0);
}

TEST_CASE("bicubic_resize agrees with the double reference at the edges of every width") {
  for_each_target([](const char* target) {
    CAPTURE(target);
    for (const BicubicResizeCase& s : kBicubicResizeCases) check_against_reference(s, 1);
  });
}

TEST_CASE("bicubic_resize agrees with the double reference on random shapes") {
  for_each_target([](const char* target) {
    CAPTURE(target);
    std::mt19937 engine(7);
    for (uint32_t seed = 0; seed < 40; ++seed) {
      const auto below = [&](int64_t n) { return static_cast<int64_t>(engine() % n); };
      const BicubicResizeCase s = {below(12) + 1, below(12) + 1,  below(36), below(20),
                                   below(20),     below(2) * 0.1, below(3)};
      check_against_reference(s, seed);
    }
  });
}

TEST_CASE("bicubic_resize gives the golden values of torch, with its scale factors too") {
  const std::vector<float> x(testing::kGoldenMap.begin(), testing::kGoldenMap.end());
  const auto check = [&](const BicubicResizeCase& s, const std::vector<double>& golden) {
    const std::vector<float> y = resized(x, s);
    REQUIRE(y.size() == golden.size());
    for (size_t i = 0; i < y.size(); ++i) CHECK(std::fabs(y[i] - golden[i]) <= 1e-5);
  };
  check({5, 7, 1, 8, 3}, testing::kGoldenBicubic8x3);
  check({5, 7, 1, 3, 11, 0.1}, testing::kGoldenBicubic3x11);
}

TEST_CASE("bicubic_resize to the same size copies, and keeps a constant") {
  const BicubicResizeCase same = {6, 5, 3, 6, 5};
  CHECK(resized(random_grid(same, 2), same) == random_grid(same, 2));
  for (const float v : resized(std::vector<float>(4 * 5, 8.0f), {4, 5, 1, 13, 11})) CHECK(std::fabs(v - 8) <= 1e-5f);
}

TEST_CASE("bicubic_resize spreads NaN to the outputs whose four cells hold it, and to no others") {
  std::vector<float> x(12, 1.0f);
  x[5] = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> y = resized(x, {1, 12, 1, 1, 24});
  for (int i = 0; i < 24; ++i) {
    const int below = static_cast<int>(std::floor((i + 0.5) / 2 - 0.5));
    CHECK(std::isnan(y[i]) == (below - 1 <= 5 && 5 <= below + 2));
  }
}

}  // namespace
}  // namespace assay::kernels
