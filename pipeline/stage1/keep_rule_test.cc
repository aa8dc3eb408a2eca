// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage1/keep_rule.h"

#include <doctest/doctest.h>

#include <limits>
#include <numeric>

namespace assay::pipeline {
namespace {

KeepRule fraction_of(double fraction) { return {false, fraction}; }

int64_t num_kept(const Selection& selection) {
  return std::accumulate(selection.kept.begin(), selection.kept.end(), int64_t{0});
}

std::vector<double> descending(int64_t count) {
  std::vector<double> scores(count);
  for (int64_t i = 0; i < count; ++i) scores[i] = static_cast<double>(count - i);
  return scores;
}

TEST_CASE("a fraction keeps the floor of its share of the lowest scores, at least one") {
  CHECK(select_kept({5, 1, 4, 2, 3}, fraction_of(0.6), 0).kept == std::vector<uint8_t>{0, 1, 0, 1, 1});
  CHECK(select_kept({5, 1, 4, 2, 3}, fraction_of(0.79), 0).kept == std::vector<uint8_t>{0, 1, 0, 1, 1});
  CHECK(select_kept({5, 1, 4, 2, 3}, fraction_of(1e-9), 0).kept == std::vector<uint8_t>{0, 1, 0, 0, 0});
  CHECK(num_kept(select_kept(descending(1000), fraction_of(1), 0)) == 1000);
}

TEST_CASE("fractions that have no exact binary form lose no image") {
  // 0.29 * 100 is 28.999999999999996 in double, and so on.
  for (int64_t hundredths = 1; hundredths <= 100; ++hundredths) {
    const Selection s = select_kept(descending(100), fraction_of(static_cast<double>(hundredths) / 100), 0);
    CHECK(num_kept(s) == hundredths);
  }
}

TEST_CASE("ties break towards the lower index") {
  CHECK(select_kept({2, 1, 1, 1, 2}, fraction_of(0.4), 0).kept == std::vector<uint8_t>{0, 1, 1, 0, 0});
  CHECK(select_kept({7, 7, 7, 7}, fraction_of(0.5), 0).kept == std::vector<uint8_t>{1, 1, 0, 0});
}

TEST_CASE("the automatic rule keeps what is at most the threshold, ties included") {
  CHECK(select_kept({3, 1, 2, 2, 9}, {}, 2).kept == std::vector<uint8_t>{0, 1, 1, 1, 0});
  CHECK(num_kept(select_kept({3, 1, 2}, {}, std::numeric_limits<double>::infinity())) == 3);
  CHECK(num_kept(select_kept({3, 1, 2}, {}, 0)) == 0);
}

TEST_CASE("alpha is the share set aside, with Wilson's interval") {
  // Against a table: 10 of 100 gives 5.52 to 17.44 %; 0 of 10 gives 0 to 27.75 %.
  const AlphaEstimate ten = select_kept(descending(100), fraction_of(0.9), 0).alpha;
  CHECK(ten.alpha == doctest::Approx(0.1));
  CHECK(ten.low == doctest::Approx(0.0552).epsilon(0.002));
  CHECK(ten.high == doctest::Approx(0.1744).epsilon(0.002));
  const AlphaEstimate none = select_kept(descending(10), fraction_of(1), 0).alpha;
  CHECK(none.alpha == 0);
  CHECK(none.low == 0);
  CHECK(none.high == doctest::Approx(0.2775).epsilon(0.002));
}

TEST_CASE("rules have names that go both ways, and a wrong one is told what is expected") {
  CHECK(KeepRule::from_name("auto").value().automatic);
  for (const std::string name : {"auto", "0.9", "1", "0.001"}) CHECK(KeepRule::from_name(name).value().name() == name);
  for (const std::string name :
       {"", "Auto", "auto ", "0", "-0.5", "1.01", "90%", "0.5x", " 0.5", "nan", "inf", "1e-400"}) {
    CAPTURE(name);
    const Result<KeepRule> rule = KeepRule::from_name(name);
    REQUIRE_FALSE(rule.ok());
    CHECK(rule.message() == "--keep=" + name + ": expected auto or a fraction above 0 and at most 1");
  }
}

TEST_CASE("there must be images") { CHECK_THROWS_AS(select_kept({}, {}, 1), Error); }

}  // namespace
}  // namespace assay::pipeline
