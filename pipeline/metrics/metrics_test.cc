// SPDX-License-Identifier: Apache-2.0
#include "pipeline/metrics/metrics.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "kernels/base/check.h"
#include "kernels/base/parallel.h"
#include "pipeline/metrics/metrics_ref.h"

namespace assay {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();
// Sums of at most a few thousand terms of size one, in double.
constexpr double kTolerance = 1e-12;

bool close(const std::optional<double>& found, double expected) {
  return found && std::abs(*found - expected) <= kTolerance;
}

RankMetrics rank_of(const std::vector<float>& scores, const std::vector<uint8_t>& labels) {
  return rank_metrics(scores.data(), labels.data(), static_cast<int64_t>(scores.size()));
}

// Maps and masks of random sizes, some without a mask, some empty.
struct Images {
  std::vector<std::vector<float>> scores;
  std::vector<std::vector<uint8_t>> masks;
  std::vector<PixelView> views;
};

Images random_images(std::mt19937& random, int count, int max_side, int num_levels) {
  Images images;
  images.scores.resize(count);
  images.masks.resize(count);
  for (int i = 0; i < count; ++i) {
    const int64_t height = random() % (max_side + 1), width = 1 + random() % max_side;
    const uint32_t density = random() % 40;
    images.scores[i].resize(height * width);
    images.masks[i].resize(height * width);
    for (int64_t p = 0; p < height * width; ++p) {
      images.masks[i][p] = random() % 100 < density ? 255 : 0;
      const int level = static_cast<int>(random() % num_levels) + (images.masks[i][p] != 0 ? num_levels / 3 : 0);
      images.scores[i][p] = static_cast<float>(level - num_levels / 2) * 0.37f;
    }
    const bool has_mask = random() % 3 != 0;
    images.views.push_back({images.scores[i].data(), has_mask ? images.masks[i].data() : nullptr, height, width});
  }
  return images;
}

void check_same_bits(const PixelMetrics& a, const PixelMetrics& b) {
  CHECK(a.rank.auroc == b.rank.auroc);
  CHECK(a.rank.ap == b.rank.ap);
  CHECK(a.rank.f1max == b.rank.f1max);
  CHECK(a.aupro == b.aupro);
  CHECK(a.aupro_200 == b.aupro_200);
  CHECK(a.num_regions == b.num_regions);
}

TEST_CASE("rank metrics agree with their definitions in double, with and without ties") {
  std::mt19937 random(3);
  for (int trial = 0; trial < 300; ++trial) {
    const int n = 2 + static_cast<int>(random() % 60), levels = trial % 2 == 0 ? 5 : 100000;
    std::vector<float> scores(n);
    std::vector<uint8_t> labels(n);
    for (int i = 0; i < n; ++i) {
      labels[i] = random() % 3 == 0;
      scores[i] = (static_cast<float>(random() % levels) - levels / 2) * 0.1f + labels[i];
    }
    labels[0] = 0;
    labels[1] = 1;
    const RankMetrics found = rank_of(scores, labels);
    const auto [ap, f1max] = precision_recall_ref(scores, labels);
    CAPTURE(trial);
    CHECK(close(found.auroc, auroc_ref(scores, labels)));
    CHECK(close(found.ap, ap));
    CHECK(close(found.f1max, f1max));
  }
}

TEST_CASE("pixel metrics agree with their definitions in double, over images of different sizes") {
  std::mt19937 random(4);
  int with_200 = 0;
  for (int trial = 0; trial < 60; ++trial) {
    const Images images = random_images(random, 5, 9, trial % 2 == 0 ? 6 : 100000);
    const double limit = trial % 3 == 0 ? 0.3 : trial % 3 == 1 ? 1.0 : 0.05;
    std::vector<float> scores;
    std::vector<uint8_t> labels;
    for (const PixelView& view : images.views) {
      for (int64_t p = 0; p < view.height * view.width; ++p) {
        scores.push_back(view.scores[p]);
        labels.push_back(view.mask != nullptr && view.mask[p] > 0);
      }
    }
    const auto num_anomalous = std::count(labels.begin(), labels.end(), 1);
    const PixelMetrics found = pixel_metrics(images.views, limit);
    CAPTURE(trial);
    if (num_anomalous == 0 || num_anomalous == static_cast<int64_t>(labels.size())) {
      CHECK(!found.aupro);
      continue;
    }
    CHECK(close(found.rank.auroc, auroc_ref(scores, labels)));
    CHECK(close(found.rank.ap, precision_recall_ref(scores, labels).first));
    CHECK(close(found.aupro, aupro_ref(images.views, limit)));
    const double expected_200 = aupro_200_ref(images.views, limit);
    if (expected_200 < 0) {
      CHECK(!found.aupro_200);
    } else {
      CHECK(close(found.aupro_200, expected_200));
      ++with_200;
    }
  }
  CHECK(with_200 > 30);
}

TEST_CASE("order of images, order of pairs and number of threads change no bit") {
  std::mt19937 random(5);
  Images images = random_images(random, 40, 80, 3000);
  set_num_threads(1);
  const PixelMetrics expected = pixel_metrics(images.views);
  REQUIRE(expected.aupro);
  for (const int threads : {1, 2, 5}) {
    set_num_threads(threads);
    std::shuffle(images.views.begin(), images.views.end(), random);
    check_same_bits(pixel_metrics(images.views), expected);
  }
  std::vector<size_t> order(images.scores[0].size());
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), random);
  std::vector<float> scores, shuffled_scores;
  std::vector<uint8_t> labels, shuffled_labels;
  for (size_t i = 0; i < order.size(); ++i) {
    scores.push_back(images.scores[0][i]);
    labels.push_back(images.masks[0][i] > 0);
    shuffled_scores.push_back(images.scores[0][order[i]]);
    shuffled_labels.push_back(images.masks[0][order[i]] > 0);
  }
  CHECK(rank_of(scores, labels).ap == rank_of(shuffled_scores, shuffled_labels).ap);
}

TEST_CASE("a strictly increasing map of the scores changes nothing but aupro_200") {
  std::mt19937 random(6);
  Images images = random_images(random, 10, 30, 500);
  PixelMetrics expected = pixel_metrics(images.views);
  for (auto& map : images.scores) {
    for (float& s : map) s = std::exp(s / 50) - 3;
  }
  const PixelMetrics found = pixel_metrics(images.views);
  CHECK(found.aupro_200 != expected.aupro_200);
  expected.aupro_200 = found.aupro_200;
  check_same_bits(found, expected);
}

TEST_CASE("infinite scores rank at the ends, zeros of both signs tie, and aupro_200 has no thresholds then") {
  CHECK(rank_of({-kInf, -1, 0, kInf}, {0, 0, 1, 1}).auroc == 1.0);
  CHECK(rank_of({kInf, 1, 2, -kInf}, {0, 0, 1, 1}).auroc == 0.25);
  CHECK(rank_of({-0.0f, 0.0f}, {0, 1}).auroc == 0.5);
  CHECK(rank_of({0.0f, -0.0f}, {0, 1}).auroc == 0.5);
  const std::vector<float> scores{0, 1, kInf, 2};
  const std::vector<uint8_t> mask{0, 0, 1, 0};
  const PixelMetrics found = pixel_metrics({{scores.data(), mask.data(), 2, 2}});
  CHECK(found.aupro == 1.0);
  CHECK(!found.aupro_200);
}

TEST_CASE("what the data cannot tell is absent: one class, no image, no pixel, no mask") {
  for (const auto& labels : {std::vector<uint8_t>{0, 0}, std::vector<uint8_t>{1, 1}}) {
    const RankMetrics found = rank_of({1, 2}, labels);
    CHECK(!found.auroc);
    CHECK(!found.ap);
    CHECK(!found.f1max);
  }
  CHECK(!rank_metrics(nullptr, nullptr, 0).auroc);
  const std::vector<float> scores{1, 2, 3, 4};
  const std::vector<uint8_t> all(4, 255), none(4, 0);
  for (const auto& views :
       {std::vector<PixelView>{}, std::vector<PixelView>{{scores.data(), nullptr, 2, 2}},
        std::vector<PixelView>{{scores.data(), none.data(), 2, 2}},
        std::vector<PixelView>{{scores.data(), all.data(), 2, 2}}, std::vector<PixelView>{{nullptr, nullptr, 0, 7}}}) {
    const PixelMetrics found = pixel_metrics(views);
    CHECK(!found.rank.auroc);
    CHECK(!found.rank.ap);
    CHECK(!found.aupro);
    CHECK(!found.aupro_200);
  }
  CHECK(pixel_metrics({{scores.data(), all.data(), 2, 2}}).num_regions == 1);
}

TEST_CASE("scores that are all equal give the diagonal") {
  const std::vector<float> scores(100, 0.5f);
  std::vector<uint8_t> mask(100, 0);
  mask[17] = mask[50] = 1;
  const PixelMetrics found = pixel_metrics({{scores.data(), mask.data(), 10, 10}});
  CHECK(found.rank.auroc == 0.5);
  CHECK(close(found.rank.ap, 0.02));
  CHECK(close(found.aupro, 0.15));
  CHECK(!found.aupro_200);
}

TEST_CASE("aupro_200 leaves out points whose FPR is the limit exactly, and thresholds are exceeded, not met") {
  const std::vector<float> scores{0, 1, 2, 3, 4, 3.5f};
  const std::vector<uint8_t> mask{0, 0, 0, 0, 0, 1};
  const std::vector<PixelView> views{{scores.data(), mask.data(), 1, 6}};
  // Thresholds from 3 flag the 4 alone: FPR 0.2. Those from 2 flag 3 too: FPR 0.4.
  CHECK(pixel_metrics(views, 0.4).aupro_200 == 0.0);
  CHECK(close(pixel_metrics(views, 0.41).aupro_200, 0.5));
}

TEST_CASE("NaN, labels other than 0 and 1, negative and overflowing sizes and FPR limits out of range are refused") {
  std::vector<float> scores{1, 2, 3, 4};
  const std::vector<uint8_t> mask{0, 0, 1, 0};
  CHECK_THROWS_WITH_AS(rank_of({1, kNan}, {0, 1}), "metrics: score 1 of 2 is NaN", Error);
  CHECK_THROWS_WITH_AS(rank_of({1, 2}, {0, 2}), "metrics: label 1 is 2, expected 0 or 1", Error);
  for (const int at : {0, 2, 3}) {
    std::vector<float> bad = scores;
    bad[at] = kNan;
    CHECK_THROWS_WITH_AS(pixel_metrics({{scores.data(), nullptr, 2, 2}, {bad.data(), mask.data(), 2, 2}}),
                         "pixel_metrics: the map at index 1 (2 x 2) contains NaN", Error);
  }
  for (const int64_t side : {int64_t{-1}, int64_t{1} << 16, int64_t{1} << 62}) {
    CHECK_THROWS_AS(pixel_metrics({{scores.data(), nullptr, side, side}}), Error);
  }
  CHECK_THROWS_AS(pixel_metrics({}, 0.0), Error);
  CHECK_THROWS_AS(pixel_metrics({}, 1.5), Error);
  CHECK_THROWS_AS(pixel_metrics({}, std::nan("")), Error);
  CHECK_THROWS_WITH_AS(compute_metrics({1, 2}, {1}, {}), "compute_metrics: 2 image scores, 1 labels", Error);
}

TEST_CASE("the summary has the eight names in order, null where absent") {
  const std::vector<float> scores{1, 2, 3, 4};
  const std::vector<uint8_t> mask{0, 0, 0, 1};
  const Metrics full = compute_metrics({1, 2}, {0, 1}, {{scores.data(), mask.data(), 2, 2}});
  CHECK(to_json(full).dump() ==
        R"({"image_auroc":1.0,"image_ap":1.0,"image_f1max":1.0,"pixel_auroc":1.0,"pixel_ap":1.0,"pixel_f1max":1.0,)"
        R"("pixel_aupro":1.0,"pixel_aupro_200":null})");
  CHECK(to_json(compute_metrics({0, 1, 2}, {0, 1, 0}, {})).dump() ==
        R"({"image_auroc":0.5,"image_ap":0.5,"image_f1max":0.6666666666666666,"pixel_auroc":null,"pixel_ap":null,)"
        R"("pixel_f1max":null,"pixel_aupro":null,"pixel_aupro_200":null})");
}

}  // namespace
}  // namespace assay
