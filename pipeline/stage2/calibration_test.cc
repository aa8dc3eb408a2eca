// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage2/calibration.h"

#include <doctest/doctest.h>

#include <cmath>

#include "kernels/random/generator.h"

namespace assay::pipeline {
namespace {

TEST_CASE("the threshold is the conformal quantile") {
  std::vector<double> scores;
  for (int i = 99; i >= 1; --i) scores.push_back(i);
  CHECK(calibrate(scores, 0.01).threshold == 99);
  CHECK(calibrate(scores, 0.01).guaranteed_rate == doctest::Approx(0.01));
  CHECK(calibrate(scores, 0.05).threshold == 95);
  CHECK(calibrate(scores, 0.5).threshold == 50);
  CHECK(calibrate(scores, 0.999).threshold == 1);
}

TEST_CASE("with too few scores the guarantee is what they can give") {
  const Calibration c = calibrate({3, 1, 2}, 0.01);
  CHECK(c.threshold == 3);
  CHECK(c.guaranteed_rate == 0.25);
  CHECK(c.num_scores == 3);
}

TEST_CASE("the rate of false alarms on new scores is within the guarantee") {
  double alarms = 0;
  const int trials = 4000;
  for (int t = 0; t < trials; ++t) {
    kernels::Generator g(11, t);
    std::vector<double> scores;
    for (int i = 0; i < 39; ++i) scores.push_back(std::exp(g.normal()));
    alarms += std::exp(g.normal()) > calibrate(scores, 0.1).threshold;
  }
  CHECK(std::abs(alarms / trials - 0.1) < 4 * std::sqrt(0.1 * 0.9 / trials));
}

TEST_CASE("a calibration survives its JSON, and JSON that is none is refused") {
  const Calibration c = calibrate({1, 2, 3, 4}, 0.3);
  const Calibration copy = calibration_from_json(to_json(c)).value();
  CHECK(copy.threshold == c.threshold);
  CHECK(copy.guaranteed_rate == c.guaranteed_rate);
  CHECK(copy.num_scores == 4);
  for (const char* text :
       {"{}", "[]", "3", R"({"threshold": "x"})", R"({"threshold":1,"false_alarm_rate":1,"guaranteed_rate":1})"}) {
    CHECK_FALSE(calibration_from_json(nlohmann::json::parse(text)).ok());
  }
  CHECK_THROWS_AS(calibrate({}, 0.1), Error);
  CHECK_THROWS_AS(calibrate({std::nan("")}, 0.1), Error);
  CHECK_THROWS_AS(calibrate({1}, 0), Error);
}

}  // namespace
}  // namespace assay::pipeline
