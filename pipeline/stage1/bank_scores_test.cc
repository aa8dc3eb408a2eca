// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage1/bank_scores.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "kernels/random/generator.h"
#include "models/detectors/patchcore.h"
#include "pipeline/stage1/partition.h"
#include "tests/support/synthetic_features.h"

namespace assay::pipeline {
namespace {

using testing::SyntheticFeatures;
using testing::SyntheticOptions;

constexpr uint64_t kSeed = 6;

const SyntheticFeatures& source() {
  static const SyntheticFeatures features([] {
    SyntheticOptions options;
    options.num_images = 15;
    return options;
  }());
  return features;
}

std::vector<int64_t> all_images() {
  std::vector<int64_t> images(source().num_images());
  std::iota(images.begin(), images.end(), 0);
  return images;
}

const DistanceTable& table() {
  static const std::unique_ptr<DistanceTable> made = [] {
    Progress progress;
    const models::BankSpace space = models::BankSpace::fit(source(), all_images(), {}, kSeed);
    return DistanceTable::compute(source(), all_images(), space, int64_t{1} << 30, "", &progress).value();
  }();
  return *made;
}

// (P, J) random distances.
Tensor random_distances(int64_t cells, int64_t count) {
  const Tensor t = Tensor::empty<float>({cells, count}, "test");
  kernels::Generator g(8);
  for (int64_t i = 0; i < t.size(); ++i) t.data<float>()[i] = static_cast<float>(g.uniform());
  return t;
}

std::vector<float> applied(const PatchRule& rule, int64_t image, const Tensor& distances) {
  std::vector<float> values(distances.dim(0), NAN);
  rule(image, distances, values.data());
  return values;
}

TEST_CASE("scores read off the table are those of banks fitted to the subsets, to float16's error") {
  const std::vector<int> subset = partition_images(source().num_images(), 4, 1);
  const std::vector<double> scores = cross_bank_scores(source(), all_images(), table(), subset, 4, {});
  REQUIRE(scores.size() == 4 * subset.size());
  for (int k = 0; k < 4; ++k) {
    std::vector<int64_t> members;
    for (int64_t i = 0; i < source().num_images(); ++i) {
      if (subset[i] == k) members.push_back(i);
    }
    models::Patchcore bank{models::PatchcoreOptions()};
    models::FitOptions options;
    options.seed = kSeed;
    bank.fit(source(), members, options);
    for (int64_t i = 0; i < source().num_images(); ++i) {
      const double expected = score_image(bank, source().read(i), {});
      CHECK(std::abs(scores[i * 4 + k] - expected) <= expected / 2048 + 1e-4);
    }
  }
}

TEST_CASE("images in no subset are in no bank, but are scored") {
  std::vector<int> subset = partition_images(source().num_images(), 3, 1);
  const std::vector<double> before = cross_bank_scores(source(), all_images(), table(), subset, 3, {});
  const int left = subset[5];
  subset[5] = -1;
  const std::vector<double> after = cross_bank_scores(source(), all_images(), table(), subset, 3, {});
  for (int k = 0; k < 3; ++k) {
    for (int64_t i = 0; i < source().num_images(); ++i) {
      if (k == left) {
        CHECK(after[i * 3 + k] >= before[i * 3 + k]);
      } else {
        CHECK(after[i * 3 + k] == before[i * 3 + k]);
      }
    }
  }
  CHECK(after[5 * 3 + left] > before[5 * 3 + left]);
  CHECK_THROWS_AS(cross_bank_scores(source(), all_images(), table(), {0, 1}, 2, {}), Error);
}

TEST_CASE("the expected held-out minimum is the mean over every bank of its size without the image") {
  const Tensor distances = random_distances(5, 9);
  const std::vector<uint8_t> in_bank = {1, 1, 0, 1, 1, 1, 1, 1, 0};  // 7 of them: banks of round(0.4 * 7) = 3
  const PatchRule rule = expected_held_out_minimum(in_bank, 0.4);
  for (const int64_t image : {0, 4, 2}) {  // 2 is not in the bank
    const std::vector<float> values = applied(rule, image, distances);
    for (int64_t p = 0; p < 5; ++p) {
      double sum = 0;
      int count = 0;
      for (int mask = 0; mask < 512; ++mask) {
        if (__builtin_popcount(mask) != 3 || (mask >> image & 1)) continue;
        float least = INFINITY;
        bool allowed = true;
        for (int j = 0; j < 9; ++j) {
          if (!(mask >> j & 1)) continue;
          allowed = allowed && in_bank[j];
          least = std::min(least, distances.data<float>()[p * 9 + j]);
        }
        if (!allowed) continue;
        sum += least;
        ++count;
      }
      CHECK(values[p] == doctest::Approx(sum / count).epsilon(1e-6));
    }
  }
  // Never fewer than one image in a bank, never more than there are.
  const float* first = distances.data<float>();
  CHECK(applied(expected_held_out_minimum({1, 1, 0, 0, 0, 0, 0, 0, 0}, 0.9), 0, distances)[0] == first[1]);
  CHECK(applied(expected_held_out_minimum({1, 1, 0, 0, 0, 0, 0, 0, 0}, 1e-9), 1, distances)[0] == first[0]);
  CHECK_THROWS_AS(expected_held_out_minimum({0, 1, 0}, 0.5), Error);
}

TEST_CASE("the support distance is the k-th smallest to the other marked images, k smaller where there are few") {
  for (const auto& [count, most] : {std::pair<int64_t, int64_t>{4, 2}, {21, 3}, {302, 6}}) {
    CAPTURE(count);
    const Tensor distances = random_distances(4, count);
    std::vector<uint8_t> in_bank(count, 1);
    in_bank[count - 1] = 0;
    for (const int64_t k : {1, 2, 3, 5, 6, 1000}) {
      const std::vector<float> values = applied(support_distance(in_bank, k), 0, distances);
      for (int64_t p = 0; p < 4; ++p) {
        const float* row = distances.data<float>() + p * count;
        std::vector<float> others(row + 1, row + count - 1);
        std::sort(others.begin(), others.end());
        CHECK(values[p] == others[std::min(k, most) - 1]);
      }
    }
    // An image outside the bank is compared with all of it.
    const float* row = distances.data<float>();
    CHECK(applied(support_distance(in_bank, 1), count - 1, distances)[0] == *std::min_element(row, row + count - 1));
  }
}

TEST_CASE("for the support distance near copies do not count") {
  constexpr int64_t kCount = 240;  // k = 5 is not too much for them
  const Tensor distances = random_distances(20, kCount);
  std::vector<uint8_t> in_bank(kCount, 1);
  in_bank[9] = in_bank[30] = 0;
  std::vector<std::vector<int64_t>> copies(kCount);
  copies[0] = {3, 9, 17, 40};
  copies[30] = {31};
  bool is_other = false;
  for (const int64_t image : {0, 1, 30}) {
    const std::vector<float> values = applied(support_distance(in_bank, 5, copies), image, distances);
    const std::vector<float> plain = applied(support_distance(in_bank, 5), image, distances);
    for (int64_t p = 0; p < 20; ++p) {
      std::vector<float> others;
      for (int64_t j = 0; j < kCount; ++j) {
        const bool is_copy = std::count(copies[image].begin(), copies[image].end(), j) > 0;
        if (in_bank[j] && j != image && !is_copy) others.push_back(distances.data<float>()[p * kCount + j]);
      }
      std::sort(others.begin(), others.end());
      CHECK(values[p] == others[4]);
      is_other = is_other || values[p] != plain[p];
    }
  }
  CHECK(is_other);
  CHECK_THROWS_AS(support_distance({1, 1, 1}, 2, {{1}, {0}}), Error);
}

TEST_CASE("where all others are near copies, they do count") {
  const Tensor distances = random_distances(2, 3);
  const std::vector<float> values = applied(support_distance({1, 1, 1}, 5, {{1, 2}, {}, {}}), 0, distances);
  for (int64_t p = 0; p < 2; ++p) {
    const float* row = distances.data<float>() + p * 3;
    CHECK(values[p] == std::max(row[1], row[2]));
  }
}

TEST_CASE("with two images the support distance is that to the other one") {
  const Tensor distances = random_distances(3, 2);
  const std::vector<float> values = applied(support_distance({1, 1}, 12), 0, distances);
  for (int64_t p = 0; p < 3; ++p) CHECK(values[p] == distances.data<float>()[2 * p + 1]);
  CHECK_THROWS_AS(applied(support_distance({1, 0}, 12), 0, distances), Error);
  CHECK_THROWS_AS(support_distance({1, 1}, 0), Error);
}

TEST_CASE("scores from the table are the image scores of the rule's patch values") {
  const PatchRule rule = support_distance(std::vector<uint8_t>(15, 1), 3);
  const std::vector<double> scores = scores_from_table(source(), all_images(), table(), rule, {});
  const std::vector<std::vector<float>> values = patch_values(table(), rule);
  REQUIRE(values.size() == scores.size());
  for (int64_t i = 0; i < source().num_images(); ++i) {
    const models::FeatureGrid grid = source().read(i);
    REQUIRE(static_cast<int64_t>(values[i].size()) == grid.rows.dim(0));
    CHECK(values[i] == applied(rule, i, table().rows_of(i)));
    const Tensor cells = Tensor::empty<float>({grid.height, grid.width}, "test");
    std::copy(values[i].begin(), values[i].end(), cells.data<float>());
    CHECK(scores[i] == models::image_score(models::anomaly_map(cells, grid.image_height, grid.image_width, 4), {}));
  }
}

}  // namespace
}  // namespace assay::pipeline
