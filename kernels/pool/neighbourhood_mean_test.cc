// SPDX-License-Identifier: Apache-2.0
#include "kernels/pool/neighbourhood_mean.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernels/pool/neighbourhood_mean_ref.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/staging.h"
#include "tests/support/targets.h"

namespace assay::kernels {
namespace {

using testing::for_each_target;
using testing::GuardedBuffer;
using testing::Staging;

std::vector<float> random_grid(const NeighbourhoodMeanCase& s, uint32_t seed) {
  std::mt19937 engine(seed);
  std::vector<float> x(s.batch * s.height * s.width * s.channels);
  for (float& v : x) v = static_cast<float>(engine() * 0x1p-32 * 7 - 3);
  return x;
}

// `offset` moves both arrays off the alignment that wide loads want.
std::vector<float> mean_of(const std::vector<float>& x, const NeighbourhoodMeanCase& s, int64_t offset = 1) {
  GuardedBuffer<float> in(static_cast<int64_t>(x.size()), offset);
  std::copy(x.begin(), x.end(), in.data());
  GuardedBuffer<float> y(static_cast<int64_t>(x.size()), offset);
  Staging staging;
  run(neighbourhood_mean, {staging.in(in), staging.out(y), s.height, s.width, s.channels, s.window, s.batch},
      staging.stream());
  staging.finish();
  CHECK(y.guards_intact());
  CHECK((x.empty() || std::memcmp(in.data(), x.data(), x.size() * sizeof(float)) == 0));
  return y.values();
}

void check_against_reference(const NeighbourhoodMeanCase& s, uint32_t seed) {
  CAPTURE(s.height);
  CAPTURE(s.width);
  CAPTURE(s.channels);
  CAPTURE(s.window);
  CAPTURE(seed);
  const std::vector<float> x = random_grid(s, seed);
  const std::vector<float> y = mean_of(x, s);
  const NeighbourhoodMeanExpected expected = neighbourhood_mean_ref(x, s);
  CHECK(mean_of(x, s, 0) == y);
  // A sum of n terms in order, then a division: at most n + 1 roundings of partial sums, each below n * magnitude.
  const double roundings = static_cast<double>(s.window * s.window) + 1;
  int64_t wrong = 0;
  for (size_t i = 0; i < y.size(); ++i) {
    const double tolerance = roundings * 0x1p-24 * expected.magnitude[i];
    if (!(std::fabs(y[i] - expected.mean[i]) <= tolerance)) ++wrong;
  }
  CHECK(wrong == 0);
}

TEST_CASE("neighbourhood_mean agrees with the double reference at the edges of every width") {
  for_each_target([](const char* target) {
    CAPTURE(target);
    for (const NeighbourhoodMeanCase& s : kNeighbourhoodMeanCases) check_against_reference(s, 1);
  });
}

TEST_CASE("neighbourhood_mean agrees with the double reference on random shapes") {
  for_each_target([](const char* target) {
    CAPTURE(target);
    std::mt19937 engine(7);
    for (uint32_t seed = 0; seed < 60; ++seed) {
      const auto below = [&](int64_t n) { return static_cast<int64_t>(engine() % n); };
      const NeighbourhoodMeanCase s = {below(12), below(12), below(40), 2 * below(4) + 1, below(3)};
      check_against_reference(s, seed);
    }
  });
}

TEST_CASE("neighbourhood_mean with window 1 copies, and leaves a constant grid as it is up to the border") {
  const NeighbourhoodMeanCase copy = {5, 6, 9, 1};
  CHECK(mean_of(random_grid(copy, 3), copy) == random_grid(copy, 3));
  const std::vector<float> ones(5 * 6 * 9, 1.0f);
  CHECK(mean_of(ones, {5, 6, 9, 3}) == ones);
}

TEST_CASE("neighbourhood_mean spreads NaN to the windows that hold it and to no others") {
  const NeighbourhoodMeanCase s = {5, 5, 1, 3};
  std::vector<float> x(25, 1.0f);
  x[2 * 5 + 2] = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> y = mean_of(x, s);
  for (int h = 0; h < 5; ++h) {
    for (int w = 0; w < 5; ++w) {
      const bool near = std::abs(h - 2) <= 1 && std::abs(w - 2) <= 1;
      CHECK(std::isnan(y[h * 5 + w]) == near);
    }
  }
}

}  // namespace
}  // namespace assay::kernels
