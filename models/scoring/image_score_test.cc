// SPDX-License-Identifier: Apache-2.0
#include "models/scoring/image_score.h"

#include <doctest/doctest.h>

#include <cmath>

namespace assay::models {
namespace {

Tensor ramp(int64_t height, int64_t width) {
  Tensor t = Tensor::empty<float>({height, width}, "test");
  for (int64_t i = 0; i < t.size(); ++i) t.data<float>()[i] = static_cast<float>((i * 37) % t.size());
  return t;
}

TEST_CASE("the image score is the maximum, the mean or the mean of the highest share") {
  const Tensor map = ramp(10, 20);  // the values 0 to 199 in some order, as 37 and 200 have no common factor
  CHECK(image_score(map, ImageScoreRule::from_name("max").value()) == 199);
  CHECK(image_score(map, ImageScoreRule::from_name("mean").value()) == 99.5);
  CHECK(image_score(map, ImageScoreRule::from_name("top:0.05").value()) == 194.5);
  CHECK(image_score(map, ImageScoreRule::from_name("top:1").value()) == 99.5);
  CHECK(image_score(map, ImageScoreRule::from_name("top:0.0001").value()) == 199);
}

TEST_CASE("a map with a NaN has no score, whatever the rule") {
  for (const int64_t at : {0, 77, 199}) {
    const Tensor map = ramp(10, 20);
    map.data<float>()[at] = std::nanf("");
    for (const char* rule : {"max", "mean", "top:0.05", "top:1"}) {
      CHECK_THROWS_WITH_AS(image_score(map, ImageScoreRule::from_name(rule).value()),
                           "image_score: the map of shape (10, 20) holds a NaN", Error);
    }
  }
}

TEST_CASE("rules have names that go both ways, and a wrong one is told what is expected") {
  for (const char* name : {"max", "mean", "top:0.01", "top:1"}) {
    CHECK(ImageScoreRule::from_name(name).value().name() == name);
  }
  for (const char* name : {"", "top", "top:", "top:0", "top:1.5", "top:-1", "top:0.1x", "median"}) {
    CHECK(ImageScoreRule::from_name(name).message().find("expected max, mean or top:S") != std::string::npos);
  }
}

TEST_CASE("a constant grid gives a constant map of the image's size") {
  Tensor grid = Tensor::empty<float>({3, 5}, "test");
  for (int64_t i = 0; i < grid.size(); ++i) grid.data<float>()[i] = 2.5f;
  const Tensor map = anomaly_map(grid, 24, 40, 4);
  CHECK(map.shape() == Shape{24, 40});
  for (int64_t i = 0; i < map.size(); ++i) CHECK(map.data<float>()[i] == doctest::Approx(2.5));
}

TEST_CASE("a hot cell is hottest at its own place in the map") {
  Tensor grid = Tensor::zeros<float>({8, 8}, "test");
  grid.data<float>()[2 * 8 + 6] = 1;
  const Tensor map = anomaly_map(grid, 64, 64, 4);
  int64_t best = 0;
  for (int64_t i = 0; i < map.size(); ++i) {
    if (map.data<float>()[i] > map.data<float>()[best]) best = i;
  }
  CHECK(best / 64 / 8 == 2);
  CHECK(best % 64 / 8 == 6);
}

}  // namespace
}  // namespace assay::models
