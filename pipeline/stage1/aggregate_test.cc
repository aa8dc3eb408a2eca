// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage1/aggregate.h"

#include <doctest/doctest.h>

#include <cmath>

#include "pipeline/stage1/expected_minimum.h"
#include "pipeline/stage1/robust.h"

namespace assay::pipeline {
namespace {

// Two images, four sub-models; image 0 belongs to sub-model 3, image 1 to sub-model 0.
const std::vector<double> kScores = {1, 2, 6, 100, 50, 3, 3, 9};
const std::vector<int> kSubset = {3, 0};

std::vector<double> aggregated(Aggregate aggregate, Over over) {
  return aggregate_scores(kScores, kSubset, 4, {aggregate, over, Normalise::kNone});
}

TEST_CASE("each aggregate, over all sub-models and over the held-out ones") {
  CHECK(aggregated(Aggregate::kMean, Over::kHeldOut) == std::vector<double>{3, 5});
  CHECK(aggregated(Aggregate::kMean, Over::kAll) == std::vector<double>{27.25, 16.25});
  CHECK(aggregated(Aggregate::kTrajectory, Over::kHeldOut) == std::vector<double>{3, 5});
  CHECK(aggregated(Aggregate::kMax, Over::kHeldOut) == std::vector<double>{6, 9});
  CHECK(aggregated(Aggregate::kMedian, Over::kHeldOut) == std::vector<double>{2, 3});
  CHECK(aggregated(Aggregate::kMedian, Over::kAll) == std::vector<double>{4, 6});
  CHECK(aggregated(Aggregate::kTrimmed, Over::kHeldOut) == std::vector<double>{2, 3});
  CHECK(aggregated(Aggregate::kTrimmed, Over::kAll) == std::vector<double>{4, 6});
  // Held out: variance of {1, 2, 6} is 14/3, of {3, 3, 9} is 8.
  const std::vector<double> max_var = aggregated(Aggregate::kMaxVar, Over::kHeldOut);
  CHECK(max_var[0] == doctest::Approx(28));
  CHECK(max_var[1] == doctest::Approx(72));
}

TEST_CASE("robust normalisation undoes a shift and a scale of one sub-model") {
  std::vector<double> scores;
  std::vector<int> subset;
  for (int i = 0; i < 20; ++i) {
    const double s = std::fmod(i * 7.3, 5.0) + (i == 4 ? 20 : 0);
    scores.insert(scores.end(), {s, 10 * s + 3, s});
    subset.push_back(2);
  }
  const AggregateRule rule{Aggregate::kMean, Over::kHeldOut, Normalise::kRobust};
  const std::vector<double> combined = aggregate_scores(scores, subset, 3, rule);
  for (size_t i = 0; i < scores.size(); i += 3) scores[i + 1] = scores[i];
  const std::vector<double> plain = aggregate_scores(scores, subset, 3, rule);
  for (size_t i = 0; i < plain.size(); ++i) CHECK(combined[i] == doctest::Approx(plain[i]));
}

TEST_CASE("a held-out score ignores what the own sub-model says, even when that is not a number") {
  std::vector<double> scores = kScores;
  scores[3] = scores[4] = std::nan("");
  CHECK(aggregate_scores(scores, kSubset, 4, {}) == std::vector<double>{3, 5});
  CHECK_THROWS_AS(aggregate_scores(scores, kSubset, 4, {Aggregate::kMean, Over::kAll, Normalise::kNone}), Error);
}

TEST_CASE("names go both ways and a wrong one is told what is known") {
  for (const char* name : {"mean", "max", "max_var", "median", "trimmed", "expected", "support", "bank_ensemble",
                           "out_of_bag", "trajectory"}) {
    CHECK(aggregate_name(aggregate_from_name(name).value()) == std::string(name));
  }
  CHECK(aggregate_from_name("mode").message() ==
        "aggregate 'mode': expected one of mean|max|max_var|median|trimmed|expected|support|bank_ensemble|out_of_bag|"
        "trajectory");
}

TEST_CASE("the median and the median absolute deviation") {
  CHECK(median({3}) == 3);
  CHECK(median({4, 1}) == 2.5);
  CHECK(robust_scale({1, 1, 2, 2, 4, 6, 9}).median == 2);
  CHECK(robust_scale({1, 1, 2, 2, 4, 6, 9}).mad == 1);
  CHECK_THROWS_AS(median({}), Error);
}

TEST_CASE("the expected minimum equals the mean of the minimum over every subset") {
  const std::vector<float> distances = {5, 1, 4, 9, 2.5f, 7};
  for (int n = 1; n <= 6; ++n) {
    double sum = 0;
    int count = 0;
    for (int mask = 1; mask < 64; ++mask) {
      if (__builtin_popcount(mask) != n) continue;
      float least = INFINITY;
      for (int j = 0; j < 6; ++j) {
        if (mask >> j & 1) least = std::min(least, distances[j]);
      }
      sum += least;
      ++count;
    }
    std::vector<float> copy = distances;
    CHECK(expected_minimum(copy, expected_minimum_weights(6, n)) == doctest::Approx(sum / count));
  }
}

TEST_CASE("the weights of the expected minimum sum to one, also for many images") {
  for (const int64_t m : {1, 2, 477, 20000}) {
    for (const int64_t n : {int64_t{1}, (m + 4) / 5, m}) {
      double sum = 0;
      for (const double w : expected_minimum_weights(m, n)) sum += w;
      CHECK(sum == doctest::Approx(1).epsilon(1e-9));
    }
  }
  CHECK_THROWS_AS(expected_minimum_weights(3, 0), Error);
  CHECK_THROWS_AS(expected_minimum_weights(3, 4), Error);
}

}  // namespace
}  // namespace assay::pipeline
