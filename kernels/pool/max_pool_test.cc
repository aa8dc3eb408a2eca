// SPDX-License-Identifier: Apache-2.0
#include "kernels/pool/max_pool.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernels/pool/max_pool_ref.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/staging.h"
#include "tests/support/targets.h"

namespace assay::kernels {
namespace {

using testing::for_each_target;
using testing::GuardedBuffer;
using testing::Staging;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> random_grids(const MaxPoolCase& s, uint32_t seed) {
  std::mt19937 engine(seed);
  std::vector<float> x(s.batch * s.height * s.width * s.channels);
  for (float& v : x) v = static_cast<float>(engine() * 0x1p-32 * 7 - 6);  // most are negative: padding must not win
  return x;
}

// `offset` moves both arrays off the alignment that wide loads want.
std::vector<float> largest(const std::vector<float>& x, const MaxPoolCase& s, int64_t offset = 1) {
  GuardedBuffer<float> in(static_cast<int64_t>(x.size()), offset);
  std::copy(x.begin(), x.end(), in.data());
  GuardedBuffer<float> y(s.batch * s.out_height() * s.out_width() * s.channels, offset);
  Staging staging;
  run(max_pool,
      {staging.in(in), staging.out(y), s.height, s.width, s.channels, s.out_height(), s.out_width(), s.window, s.stride,
       s.padding, s.batch},
      staging.stream());
  staging.finish();
  CHECK(y.guards_intact());
  CHECK((x.empty() || std::memcmp(in.data(), x.data(), x.size() * sizeof(float)) == 0));
  return y.values();
}

void check_against_reference(const std::vector<float>& x, const MaxPoolCase& s) {
  INFO(s.batch, "x", s.height, "x", s.width, "x", s.channels, ", window ", s.window, " stride ", s.stride, " padding ",
       s.padding);
  const std::vector<double> expected = max_pool_ref(x, s);
  for (const int64_t offset : {0, 1}) {
    const std::vector<float> y = largest(x, s, offset);
    REQUIRE(y.size() == expected.size());
    for (size_t i = 0; i < y.size(); ++i) {
      REQUIRE((std::isnan(expected[i]) ? std::isnan(y[i]) : y[i] == expected[i]));
    }
  }
}

TEST_CASE("max_pool gives the largest value of each window at the edges of every width") {
  for_each_target([](const char* target) {
    CAPTURE(target);
    for (const MaxPoolCase& s : kMaxPoolCases) check_against_reference(random_grids(s, 1), s);
  });
}

TEST_CASE("max_pool gives the largest value of each window on random shapes, with NaN and Inf among them") {
  for_each_target([](const char* target) {
    CAPTURE(target);
    std::mt19937 engine(7);
    for (uint32_t seed = 0; seed < 60; ++seed) {
      const auto below = [&](int64_t n) { return static_cast<int64_t>(engine() % n); };
      const int64_t window = below(5) + 1;
      const MaxPoolCase s = {below(12), below(12), below(40), window, below(4) + 1, below(window / 2 + 1), below(3)};
      std::vector<float> x = random_grids(s, seed);
      const float special[] = {kNan, kInfinity, -kInfinity};
      for (size_t i = seed; i < x.size(); i += 29) x[i] = special[i % 3];
      check_against_reference(x, s);
    }
  });
}

TEST_CASE("max_pool keeps a window's last NaN and its first zero, bit for bit") {
  const auto nan_of = [](uint32_t bits) {
    float x;
    std::memcpy(&x, &bits, 4);
    return x;
  };
  const std::vector<float> x = {nan_of(0x7fc00001), 9, nan_of(0xffc00002), 1, -0.0f, 0.0f, 0.0f, -0.0f};
  for_each_target([&](const char* target) {
    CAPTURE(target);
    const std::vector<float> y = largest({x.begin(), x.begin() + 4}, {2, 2, 1, 2, 1, 0});
    uint32_t bits;
    std::memcpy(&bits, y.data(), 4);
    CHECK(bits == 0xffc00002);
    CHECK(std::signbit(largest({x.begin() + 4, x.end()}, {2, 2, 1, 2, 1, 0}).at(0)));
  });
}

}  // namespace
}  // namespace assay::kernels
