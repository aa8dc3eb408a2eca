// SPDX-License-Identifier: Apache-2.0
#include "kernels/blur/gaussian_blur.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "kernels/blur/gaussian_blur_ref.h"
#include "tests/golden/map_kernels.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/staging.h"
#include "tests/support/targets.h"

namespace assay::kernels {
namespace {

using testing::for_each_target;
using testing::GuardedBuffer;
using testing::Staging;

std::vector<float> random_map(const GaussianBlurCase& s, uint32_t seed) {
  std::mt19937 engine(seed);
  std::vector<float> x(s.batch * s.height * s.width);
  for (float& v : x) v = static_cast<float>(engine() * 0x1p-32 * 7 - 3);
  return x;
}

std::vector<float> blurred(const std::vector<float>& x, const GaussianBlurCase& s) {
  GuardedBuffer<float> y(static_cast<int64_t>(x.size()));
  GaussianBlurArgs args = {nullptr, nullptr, nullptr, s.height, s.width, s.sigma, s.batch};
  GuardedBuffer<float> workspace(gaussian_blur_workspace_floats(args, testing::test_backend()));
  Staging staging;
  args.x = staging.in(x);
  args.y = staging.out(y);
  args.workspace = staging.out(workspace);
  run(gaussian_blur, args, staging.stream());
  staging.finish();
  CHECK(y.guards_intact());
  CHECK(workspace.guards_intact());
  return y.values();
}

void check_against_reference(const GaussianBlurCase& s, uint32_t seed) {
  CAPTURE(s.height);
  CAPTURE(s.width);
  CAPTURE(s.sigma);
  CAPTURE(s.batch);
  CAPTURE(seed);
  const std::vector<float> x = random_map(s, seed);
  const std::vector<float> y = blurred(x, s);
  const GaussianBlurExpected expected = gaussian_blur_ref(x, s);
  CHECK(x == random_map(s, seed));
  // Two sums one after the other, each of radius + 1 terms: a rounding for each term, its weight and its pair.
  const double roundings = 2.0 * (gaussian_blur_radius(s.sigma) + 3);
  int64_t wrong = 0;
  for (size_t i = 0; i < y.size(); ++i) {
    if (!(std::fabs(y[i] - expected.value[i]) <= roundings * 0x1p-24 * expected.magnitude[i])) ++wrong;
  }
  CHECK(wrong == 0);
}

TEST_CASE("gaussian_blur agrees with the double reference at the edges of every width") {
  for_each_target([](const char* target) {
    CAPTURE(target);
    for (const GaussianBlurCase& s : kGaussianBlurCases) check_against_reference(s, 1);
  });
}

TEST_CASE("gaussian_blur agrees with the double reference on random shapes") {
  for_each_target([](const char* target) {
    CAPTURE(target);
    std::mt19937 engine(7);
    for (uint32_t seed = 0; seed < 40; ++seed) {
      const GaussianBlurCase s = {static_cast<int64_t>(engine() % 40), static_cast<int64_t>(engine() % 40),
                                  engine() * 0x1p-32 * 5, static_cast<int64_t>(engine() % 3)};
      check_against_reference(s, seed);
    }
  });
}

TEST_CASE("gaussian_blur gives the golden values of scipy, also where the radius exceeds the map") {
  const std::vector<float> x(testing::kGoldenMap.begin(), testing::kGoldenMap.end());
  const auto check = [&](double sigma, const std::vector<double>& golden) {
    const std::vector<float> y = blurred(x, {5, 7, sigma});
    REQUIRE(y.size() == golden.size());
    for (size_t i = 0; i < y.size(); ++i) CHECK(std::fabs(y[i] - golden[i]) <= 1e-5);
  };
  check(0.8, testing::kGoldenBlurSmall);
  check(4.0, testing::kGoldenBlurWide);
}

TEST_CASE("gaussian_blur with sigma 0 copies, and any sigma keeps the map's mean") {
  const GaussianBlurCase copy = {6, 5, 0};
  CHECK(blurred(random_map(copy, 2), copy) == random_map(copy, 2));
  const GaussianBlurCase wide = {20, 30, 3};
  const std::vector<float> x = random_map(wide, 3), y = blurred(x, wide);
  double before = 0, after = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    before += x[i];
    after += y[i];
  }
  CHECK(std::fabs(before - after) <= 1e-6 * 3 * static_cast<double>(x.size()));
}

TEST_CASE("gaussian_blur of a mirrored map is the mirrored blur, bit for bit") {
  const GaussianBlurCase s = {11, 23, 2};
  const std::vector<float> x = random_map(s, 4);
  const std::vector<float> mirrored(x.rbegin(), x.rend());
  const std::vector<float> y = blurred(x, s), z = blurred(mirrored, s);
  CHECK(y == std::vector<float>(z.rbegin(), z.rend()));
}

TEST_CASE("gaussian_blur spreads NaN over its radius and no further") {
  std::vector<float> x(41, 1.0f);
  x[20] = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> y = blurred(x, {1, 41, 1});
  for (int i = 0; i < 41; ++i) CHECK(std::isnan(y[i]) == (std::abs(i - 20) <= 4));
}

}  // namespace
}  // namespace assay::kernels
