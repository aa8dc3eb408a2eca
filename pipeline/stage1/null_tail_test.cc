// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage1/null_tail.h"

#include <doctest/doctest.h>

#include <cmath>

#include "kernels/base/check.h"
#include "kernels/random/generator.h"

namespace assay::pipeline {
namespace {

std::vector<float> log_normal(int count, double shift, double scale, uint64_t seed) {
  kernels::Generator g(seed);
  std::vector<float> values(count);
  for (float& v : values) v = static_cast<float>(std::exp(shift + scale * g.normal()));
  return values;
}

TEST_CASE("where there is only the bulk next to nothing is cut, whatever its place and scale") {
  for (const double scale : {0.05, 0.5, 2.0}) {
    for (const double shift : {-5.0, 0.0, 3.0}) {
      for (uint64_t seed = 0; seed < 5; ++seed) {
        CHECK(find_null_tail(log_normal(20000, shift, scale, seed), 0.2).tail_share < 0.001);
      }
    }
  }
}

TEST_CASE("a tail of outliers is found in about its size, and the false share is what was asked for") {
  for (const double share : {0.01, 0.05, 0.2}) {
    std::vector<float> values = log_normal(20000, 0, 0.3, 1);
    const size_t outliers = static_cast<size_t>(share * 20000);
    for (size_t i = 0; i < outliers; ++i) values[i] *= std::exp(2.0f);
    const NullTail tail = find_null_tail(values, 0.2);
    REQUIRE(tail.found);
    CHECK(tail.tail_share > 0.9 * share);
    CHECK(tail.tail_share < 1.4 * share);
    CHECK(tail.false_share <= 0.2);
    size_t above = 0;
    for (const float v : values) above += v > tail.threshold;
    CHECK(above == std::llround(tail.tail_share * 20000));
  }
}

TEST_CASE("scaling all values scales the threshold and moves no value across it") {
  std::vector<float> values = log_normal(5000, 0, 0.3, 2);
  for (int i = 0; i < 100; ++i) values[i] *= 16;
  const NullTail tail = find_null_tail(values, 0.2);
  for (float& v : values) v *= 4;
  const NullTail scaled = find_null_tail(values, 0.2);
  CHECK(scaled.threshold == doctest::Approx(4 * tail.threshold));
  CHECK(scaled.tail_share == tail.tail_share);
}

TEST_CASE("equal values, one value and many zeros have no tail; ties are not torn apart") {
  CHECK_FALSE(find_null_tail(std::vector<float>(50, 3.0f), 0.2).found);
  CHECK_FALSE(find_null_tail({1.0f}, 0.2).found);
  CHECK_FALSE(find_null_tail(std::vector<float>(50, 0.0f), 0.2).found);
  std::vector<float> values = log_normal(1000, 0, 0.2, 3);
  values.insert(values.end(), 40, 100.0f);
  const NullTail tail = find_null_tail(values, 0.2);
  CHECK(tail.tail_share >= 40.0 / 1040);
  CHECK(tail.threshold < 100);
}

TEST_CASE("scores that are normal themselves have the tail that their exponentials have") {
  std::vector<float> values = log_normal(5000, 0, 1, 4);
  for (int i = 0; i < 200; ++i) values[i] = std::exp(6.0f + 0.001f * static_cast<float>(i));
  const NullTail tail = find_null_tail(values, 0.2);
  for (float& v : values) v = std::log(v);
  const NullTail of_logs = find_null_tail(values, 0.2, BulkShape::kNormal);
  CHECK(of_logs.found);
  CHECK(of_logs.tail_share == doctest::Approx(tail.tail_share));
  CHECK(of_logs.threshold == doctest::Approx(std::log(tail.threshold)).epsilon(1e-3));
}

TEST_CASE("negative values, NaN and no values are refused") {
  CHECK_THROWS_AS(find_null_tail({}, 0.2), Error);
  CHECK_THROWS_AS(find_null_tail({1, -1}, 0.2), Error);
  CHECK_THROWS_AS(find_null_tail({1, std::nanf("")}, 0.2), Error);
}

}  // namespace
}  // namespace assay::pipeline
