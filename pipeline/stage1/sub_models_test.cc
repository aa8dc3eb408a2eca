// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage1/sub_models.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "kernels/base/parallel.h"
#include "tests/support/synthetic_features.h"

namespace assay::pipeline {
namespace {

using testing::SyntheticFeatures;
using testing::SyntheticOptions;

const SyntheticFeatures& source() {
  static const SyntheticFeatures features([] {
    SyntheticOptions options;
    options.num_images = 8;
    return options;
  }());
  return features;
}

struct Fit {
  std::vector<int64_t> images;
  models::Schedule schedule;
  uint64_t seed;
};

// Each cell's value is its first channel plus the number of the lowest image that was fitted.
class Recorder : public models::Detector {
 public:
  explicit Recorder(std::vector<Fit>* fits) : fits_(fits) {}
  void fit(const models::FeatureSource&, const std::vector<int64_t>& images,
           const models::FitOptions& options) override {
    if (options.progress && !options.progress(0.5)) throw models::Cancelled();
    lowest_ = *std::min_element(images.begin(), images.end());
    fits_->push_back({images, options.schedule, options.seed});
  }
  Tensor score(const models::FeatureGrid& grid) const override {
    const Tensor map = Tensor::empty<float>({grid.height, grid.width}, "test");
    for (int64_t p = 0; p < map.size(); ++p) {
      map.data<float>()[p] = grid.rows.data<float>()[p * grid.rows.dim(1)] + 100 * static_cast<float>(lowest_);
    }
    return map;
  }
  nlohmann::json save(std::map<std::string, Tensor>*) const override { return {}; }
  Status load(const nlohmann::json&, const std::map<std::string, Tensor>&) override { return Status(); }

 private:
  std::vector<Fit>* fits_;
  int64_t lowest_ = 0;
};

class Counter : public Progress {
 public:
  void advance(int64_t done) override { last = std::max(last, done); }
  bool stop_requested() override { return last >= stop_at; }
  int64_t last = 0;
  int64_t stop_at = INT64_MAX;
};

const std::vector<int64_t> kImages = {6, 1, 3, 2, 7};
const std::vector<int> kSubset = {1, 0, 1, -1, 0};

CrossModelOptions with_seed(uint64_t seed) {
  CrossModelOptions options;
  options.seed = seed;
  return options;
}

TEST_CASE("each sub-model is fitted to its subset and scores every image") {
  std::vector<Fit> fits;
  const auto make = [&](Device) { return std::make_unique<Recorder>(&fits); };
  const int threads = num_threads();
  set_num_threads(3);
  Counter progress;
  const std::vector<double> scores =
      cross_model_scores(source(), kImages, kSubset, 2, make, with_seed(40), &progress).scores;
  set_num_threads(threads);
  CHECK(progress.last == 10);
  REQUIRE(fits.size() == 2);
  CHECK(fits[0].images == std::vector<int64_t>{1, 7});
  CHECK(fits[1].images == std::vector<int64_t>{6, 3});
  for (size_t k = 0; k < 2; ++k) {
    CHECK(fits[k].schedule == models::Schedule::kSubModel);
    CHECK(fits[k].seed == 40 + k);
    const std::unique_ptr<Recorder> same = make(Device::cpu());
    same->fit(source(), fits[k].images, {});
    for (size_t i = 0; i < kImages.size(); ++i) {
      CHECK(scores[i * 2 + k] == score_image(*same, source().read(kImages[i]), {}));
    }
  }
}

TEST_CASE("an image's score is that of its anomaly map") {
  std::vector<Fit> fits;
  const Recorder detector(&fits);
  const models::FeatureGrid grid = source().read(1);
  const ScoringRule rule{2.5, models::ImageScoreRule::from_name("top:0.1").value()};
  const Tensor map = models::anomaly_map(detector.score(grid), grid.image_height, grid.image_width, 2.5);
  CHECK(score_image(detector, grid, rule) == models::image_score(map, rule.image_score));
}

TEST_CASE("subsets that do not fit the images are the caller's fault") {
  std::vector<Fit> fits;
  const auto make = [&](Device) { return std::make_unique<Recorder>(&fits); };
  Progress progress;
  CHECK_THROWS_WITH_AS(cross_model_scores(source(), kImages, kSubset, 3, make, {}, &progress),
                       "cross_model_scores: subset 2 is empty", Error);
  CHECK_THROWS_AS(cross_model_scores(source(), {1}, kSubset, 2, make, {}, &progress), Error);
}

TEST_CASE("a request to stop ends fitting and scoring") {
  std::vector<Fit> fits;
  const auto make = [&](Device) { return std::make_unique<Recorder>(&fits); };
  for (const int64_t stop_at : {0, 1, 5, 7}) {
    Counter progress;
    progress.stop_at = stop_at;
    CHECK_THROWS_AS(cross_model_scores(source(), kImages, kSubset, 2, make, {}, &progress), models::Cancelled);
    CHECK(progress.last < 10);
  }
}

}  // namespace
}  // namespace assay::pipeline
