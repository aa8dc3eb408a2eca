// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage1/near_copies.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "tests/support/synthetic_features.h"

namespace assay::pipeline {
namespace {

using testing::SyntheticFeatures;
using testing::SyntheticOptions;
using Copies = std::vector<std::vector<int64_t>>;

SyntheticFeatures synthetic(int64_t num_images) {
  SyntheticOptions options;
  options.num_images = num_images;
  return SyntheticFeatures(options);
}

// Of banks that hold every cell.
std::unique_ptr<DistanceTable> table_of(const SyntheticFeatures& features) {
  std::vector<int64_t> images(features.num_images());
  std::iota(images.begin(), images.end(), 0);
  models::BankSpaceOptions options;
  options.reference_share = 1;
  Progress progress;
  const models::BankSpace space = models::BankSpace::fit(features, images, options, 1);
  return DistanceTable::compute(features, images, space, int64_t{1} << 30, "", &progress).value();
}

// The definition: all others of each patch in order, the first `nearest` counted.
Copies naive(const DistanceTable& table, double patch_share, int64_t nearest) {
  const int64_t count = table.num_images();
  std::vector<std::vector<double>> share(count, std::vector<double>(count, 0));
  for (int64_t i = 0; i < count; ++i) {
    const Tensor rows = table.rows_of(i);
    for (int64_t p = 0; p < rows.dim(0); ++p) {
      std::vector<std::pair<double, int64_t>> others;
      for (int64_t j = 0; j < count; ++j) {
        if (j != i) others.push_back({rows.data<float>()[p * count + j], j});
      }
      std::sort(others.begin(), others.end());
      for (int64_t n = 0; n < nearest; ++n) share[i][others[n].second] += 1.0 / static_cast<double>(rows.dim(0));
    }
  }
  Copies copies(count);
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t j = 0; j < count; ++j) {
      if (share[i][j] > patch_share && share[j][i] > patch_share) copies[i].push_back(j);
    }
  }
  return copies;
}

TEST_CASE("photographs of one thing find each other, and no others do") {
  const SyntheticFeatures features = synthetic(110).with_copies(7, 4, 0.05).with_copies(20, 1, 0.05);
  Copies expected(115);
  const std::vector<int64_t> group = {7, 110, 111, 112, 113};
  for (const int64_t i : group) {
    for (const int64_t j : group) {
      if (i != j) expected[i].push_back(j);
    }
  }
  expected[20] = {114};
  expected[114] = {20};
  const std::unique_ptr<DistanceTable> table = table_of(features);
  CHECK(find_near_copies(*table, 0.4) == expected);
  CHECK(find_near_copies(*table, 1) == Copies(115));
}

TEST_CASE("near copies are those of the definition, of few images too") {
  // Of 41 images two are near, of 21 one is, of 20 none.
  for (const auto& [count, nearest] : {std::pair<int64_t, int64_t>{41, 2}, {21, 1}, {20, 0}}) {
    CAPTURE(count);
    const std::unique_ptr<DistanceTable> table = table_of(synthetic(count - 1).with_copies(0, 1, 2));
    bool any = false, any_not = false;
    for (const double patch_share : {0.02, 0.05, 0.1, 0.4}) {
      const Copies copies = find_near_copies(*table, patch_share);
      CHECK(copies == naive(*table, patch_share, nearest));
      for (const std::vector<int64_t>& c : copies) (c.empty() ? any_not : any) = true;
    }
    CHECK(any == (nearest > 0));
    CHECK(any_not);
  }
}

TEST_CASE("one image has no copies, and shares are above 0 and at most 1") {
  const std::unique_ptr<DistanceTable> table = table_of(synthetic(1));
  CHECK(find_near_copies(*table, 0.4) == Copies(1));
  CHECK_THROWS_AS(find_near_copies(*table, 0), Error);
  CHECK_THROWS_AS(find_near_copies(*table, 1.5), Error);
}

}  // namespace
}  // namespace assay::pipeline
