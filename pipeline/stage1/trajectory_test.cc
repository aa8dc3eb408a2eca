// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage1/trajectory.h"

#include <doctest/doctest.h>

#include "kernels/base/check.h"

namespace assay::pipeline {
namespace {

TEST_CASE("a trajectory's area counts each score for the steps since the one before") {
  // Two sub-models, moments after 10, 20 and 25 steps, two images.
  const std::vector<TrackedScores> tracked = {{{10, 20, 25}, {{1, 4}, {0.5, 3}, {0.25, 2}}},
                                              {{10, 20, 25}, {{2, 2}, {2, 2}, {2, 2}}}};
  const std::vector<double> areas = trajectory_areas(tracked);
  REQUIRE(areas.size() == 4);
  CHECK(areas[0] == doctest::Approx((10 * 1 + 10 * 0.5 + 5 * 0.25) / 25));
  CHECK(areas[1] == doctest::Approx(2));
  CHECK(areas[2] == doctest::Approx((10 * 4 + 10 * 3 + 5 * 2) / 25.0));
  CHECK(areas[3] == doctest::Approx(2));
}

TEST_CASE("an image that is learnt late has the larger area though both end alike") {
  TrackedScores tracked;
  for (int64_t step = 1; step <= 10; ++step) {
    tracked.steps.push_back(step);
    tracked.scores.push_back({step >= 3 ? 0.1 : 1.0, step >= 8 ? 0.1 : 1.0});
  }
  const std::vector<double> areas = trajectory_areas({tracked});
  CHECK(areas[1] > areas[0] + 0.4);
}

TEST_CASE("an area of one moment is the score itself") {
  CHECK(trajectory_areas({{{7}, {{0.25, 3}}}}) == std::vector<double>{0.25, 3});
}

TEST_CASE("curves that do not fit together are the caller's fault") {
  CHECK_THROWS_AS(trajectory_areas({}), Error);
  CHECK_THROWS_AS(trajectory_areas({TrackedScores()}), Error);
  CHECK_THROWS_AS(trajectory_areas({{{1}, {{1}}}, {{2}, {{1}}}}), Error);
  CHECK_THROWS_AS(trajectory_areas({{{1, 2}, {{1}, {1, 2}}}}), Error);
}

}  // namespace
}  // namespace assay::pipeline
