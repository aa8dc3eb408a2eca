// SPDX-License-Identifier: Apache-2.0
#include "kernels/random/generator.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/base/check.h"

namespace assay::kernels {
namespace {

void check_block(PhiloxBlock found, PhiloxBlock expected) {
  for (int i = 0; i < 4; ++i) CHECK(found.x[i] == expected.x[i]);
}

TEST_CASE("philox4x32 gives the published known answers") {
  check_block(philox4x32({{0, 0, 0, 0}}, 0, 0), {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}});
  check_block(philox4x32({{~0u, ~0u, ~0u, ~0u}}, ~0u, ~0u), {{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}});
  check_block(philox4x32({{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}}, 0xa4093822, 0x299f31d0),
              {{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}});
}

TEST_CASE("seed and stream each change the numbers, and the same ones repeat them") {
  CHECK(Generator(1, 2).bits() == Generator(1, 2).bits());
  CHECK(Generator(1, 2).bits() != Generator(2, 2).bits());
  CHECK(Generator(1, 2).bits() != Generator(1, 3).bits());
  CHECK(uniform_float(0) == 0.0f);
  CHECK(uniform_float(~0u) < 1.0f);
}

TEST_CASE("uniform and normal numbers have their moments") {
  Generator g(7);
  const int n = 200000;
  double sum = 0, sum2 = 0, sum4 = 0, uniform_sum = 0;
  for (int i = 0; i < n; ++i) {
    const double x = g.normal();
    sum += x;
    sum2 += x * x;
    sum4 += x * x * x * x;
    const double u = g.uniform();
    REQUIRE((u >= 0 && u < 1));
    uniform_sum += u;
  }
  // Four standard errors each.
  CHECK(std::abs(sum / n) < 4 / std::sqrt(n));
  CHECK(std::abs(sum2 / n - 1) < 4 * std::sqrt(2.0 / n));
  CHECK(std::abs(sum4 / n - 3) < 4 * std::sqrt(96.0 / n));
  CHECK(std::abs(uniform_sum / n - 0.5) < 4 * std::sqrt(1 / 12.0 / n));
}

TEST_CASE("below is unbiased and stays below") {
  Generator g(3);
  std::vector<int> counts(7, 0);
  for (int i = 0; i < 70000; ++i) ++counts.at(g.below(7));
  for (const int c : counts) CHECK(std::abs(c - 10000) < 4 * std::sqrt(10000 * 6 / 7.0));
  CHECK(g.below(1) == 0);
  CHECK_THROWS_AS(g.below(0), Error);
}

TEST_CASE("a permutation holds every number once, a sample is ascending, unique and fair") {
  Generator g(5);
  std::vector<int64_t> order = random_permutation(100, g);
  CHECK_FALSE(std::is_sorted(order.begin(), order.end()));
  std::sort(order.begin(), order.end());
  for (int64_t i = 0; i < 100; ++i) CHECK(order[i] == i);

  std::vector<int> taken(10, 0);
  for (int trial = 0; trial < 20000; ++trial) {
    const std::vector<int64_t> sample = random_sample(10, 3, g);
    REQUIRE(sample.size() == 3);
    REQUIRE((sample[0] < sample[1] && sample[1] < sample[2]));
    for (const int64_t i : sample) ++taken.at(i);
  }
  for (const int t : taken) CHECK(std::abs(t - 6000) < 4 * std::sqrt(6000 * 0.7));
  CHECK(random_sample(4, 4, g) == std::vector<int64_t>{0, 1, 2, 3});
  CHECK(random_sample(4, 0, g).empty());
  CHECK_THROWS_AS(random_sample(3, 4, g), Error);
}

}  // namespace
}  // namespace assay::kernels
