// SPDX-License-Identifier: Apache-2.0
#include "models/detectors/patch_outliers.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "kernels/random/generator.h"

namespace assay::models {
namespace {

Tensor points_of(const std::vector<std::vector<float>>& rows) {
  const Tensor t = Tensor::empty<float>({static_cast<int64_t>(rows.size()), static_cast<int64_t>(rows[0].size())}, "t");
  for (size_t r = 0; r < rows.size(); ++r) std::copy(rows[r].begin(), rows[r].end(), t.rows(r, r + 1).data<float>());
  return t;
}

std::vector<double> factors(const Tensor& points, int64_t k) {
  return local_outlier_factors(nearest_others(points, k), points.dim(0));
}

TEST_CASE("the local outlier factors of points on a line are those worked out by hand") {
  // Points 0, 1, 2, 6; k = 1. Neighbours: 0 -> 1, 1 -> 0 (tie with 2), 2 -> 1, 6 -> 2; distances to the first neighbour
  // 1, 1, 1, 4. Mean reach: 1, 1, 1, 4, so factors 1, 1, 1, 4.
  const std::vector<double> one = factors(points_of({{0}, {1}, {2}, {6}}), 1);
  const double first[] = {1, 1, 1, 4};
  for (int i = 0; i < 4; ++i) CHECK(one[i] == doctest::Approx(first[i]).epsilon(1e-8));
  // k = 2, whose second distances are 2, 1, 2, 5. Reaches of 0: max(1, 1), max(2, 2); of 1: max(2, 1), max(2, 1);
  // of 2: max(1, 1), max(2, 2); of 6: max(2, 4), max(1, 5). Densities 1 / 1.5, 1 / 2, 1 / 1.5, 1 / 4.5.
  const std::vector<double> two = factors(points_of({{0}, {1}, {2}, {6}}), 2);
  const double second[] = {7.0 / 8, 4.0 / 3, 7.0 / 8, 21.0 / 8};
  for (int i = 0; i < 4; ++i) CHECK(two[i] == doctest::Approx(second[i]).epsilon(1e-8));
}

TEST_CASE("duplicates are neighbours at distance 0, a point is none of its own, and all stays finite") {
  const Tensor points = points_of({{3, 1}, {3, 1}, {3, 1}, {3, 1}, {3, 1}, {5, 1}});
  const Neighbours n = nearest_others(points, 2);
  CHECK(n.k == 2);
  for (int64_t p = 0; p < 6; ++p) {
    CHECK(n.index[2 * p] != p);
    CHECK(n.index[2 * p + 1] != p);
    CHECK(n.index[2 * p] != n.index[2 * p + 1]);
    CHECK(n.distance[2 * p] == (p == 5 ? 2 : 0));
  }
  const std::vector<double> lof = factors(points, 2);
  for (int64_t p = 0; p < 5; ++p) CHECK(lof[p] == doctest::Approx(1));
  CHECK(lof[5] > 1e9);
  CHECK(std::isfinite(lof[5]));
}

TEST_CASE("fewer points than neighbours, one point, and points that are not finite") {
  CHECK(nearest_others(points_of({{0}, {1}, {4}}), 63).k == 2);
  CHECK(nearest_others(points_of({{7}}), 6).k == 0);
  CHECK(factors(points_of({{7}}), 6) == std::vector<double>{1});
  CHECK_THROWS_WITH_AS(nearest_others(points_of({{0}, {std::numeric_limits<float>::quiet_NaN()}, {1}}), 2),
                       doctest::Contains("not finite"), Error);
}

TEST_CASE("the factor does not know the scale, and grows with distance from the others") {
  kernels::Generator generator(3);
  std::vector<std::vector<float>> rows(40, std::vector<float>(5));
  for (auto& row : rows) {
    for (float& v : row) v = static_cast<float>(generator.normal());
  }
  const std::vector<double> plain = factors(points_of(rows), 6);
  auto scaled = rows;
  for (auto& row : scaled) {
    for (float& v : row) v *= 1024;
  }
  const std::vector<double> large = factors(points_of(scaled), 6);
  for (size_t i = 0; i < plain.size(); ++i) CHECK(large[i] == doctest::Approx(plain[i]).epsilon(1e-6));
  double last = 0;
  for (const float shift : {4.0f, 8.0f, 16.0f}) {
    rows[7] = std::vector<float>(5, shift);
    const double lof = factors(points_of(rows), 6)[7];
    CHECK(lof > last);
    last = lof;
  }
  CHECK(last > 5);
}

TEST_CASE("positions are judged by themselves, in however many blocks") {
  // More bytes than a block holds: 3 images of 3000 positions of 2048 channels are 70 MiB.
  constexpr int64_t kImages = 3, kPositions = 3000, kWidth = 2048;
  const auto read = [&](int64_t image) {
    const Tensor rows = Tensor::zeros<float>({kPositions, kWidth}, "test");
    // Images at 0, 1 and 3 times a length of the position's own.
    const float at[] = {0, 1, 3};
    for (int64_t p = 0; p < kPositions; ++p) rows.data<float>()[p * kWidth + p % kWidth] = at[image] * (1 + p % 7);
    return rows;
  };
  std::vector<double> shares;
  const Tensor scores =
      patch_outlier_scores({kImages, kPositions, kWidth, Device::cpu(), read}, Discriminator::kNearest, 6,
                           [&](double share) { shares.push_back(share); });
  CHECK(scores.shape() == Shape{kImages, kPositions});
  CHECK(shares.size() == 2);
  CHECK(shares.back() == 1);
  int64_t wrong = 0;
  for (int64_t p = 0; p < kPositions; ++p) {
    const float length = 1 + p % 7;
    wrong += scores.data<float>()[p] != length || scores.data<float>()[kPositions + p] != length ||
             scores.data<float>()[2 * kPositions + p] != 2 * length;
  }
  CHECK(wrong == 0);
}

TEST_CASE("discriminators have names") {
  for (const char* name : {"lof", "nearest", "gaussian"}) {
    CHECK(std::string(discriminator_name(discriminator_from_name(name).value())) == name);
  }
  CHECK(discriminator_from_name("LOF").message() == "discriminator 'LOF': expected lof, nearest or gaussian");
}

}  // namespace
}  // namespace assay::models
