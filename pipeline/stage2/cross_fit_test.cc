// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage2/cross_fit.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "models/detectors/patchcore.h"
#include "tests/support/synthetic_features.h"

namespace assay::pipeline {
namespace {

using testing::SyntheticFeatures;
using testing::SyntheticOptions;

// One cell an image, which holds its number.
class Numbered : public models::FeatureSource {
 public:
  int64_t num_images() const override { return 30; }
  int64_t feature_width() const override { return 1; }
  uint64_t content_key(int64_t image) const override { return static_cast<uint64_t>(image); }
  models::FeatureGrid read(int64_t image) const override {
    models::FeatureGrid grid{1, 1, 8, 8, Tensor::empty<float>({1, 1}, "test")};
    grid.rows.data<float>()[0] = static_cast<float>(image);
    return grid;
  }
};

// Scores an image 1 if it was fitted to it, 0 otherwise.
class Memory : public models::Detector {
 public:
  explicit Memory(std::vector<std::vector<int64_t>>* fits) : fits_(fits) {}
  void fit(const models::FeatureSource&, const std::vector<int64_t>& images,
           const models::FitOptions& options) override {
    CHECK(options.schedule == models::Schedule::kFinal);
    if (options.progress && !options.progress(0.5)) throw models::Cancelled();
    seen_ = {images.begin(), images.end()};
    fits_->push_back(images);
  }
  Tensor score(const models::FeatureGrid& grid) const override {
    const Tensor map = Tensor::zeros<float>({1, 1}, "test");
    map.data<float>()[0] = static_cast<float>(seen_.count(std::lround(grid.rows.data<float>()[0])));
    return map;
  }
  nlohmann::json save(std::map<std::string, Tensor>*) const override { return {}; }
  Status load(const nlohmann::json&, const std::map<std::string, Tensor>&) override { return Status(); }

 private:
  std::vector<std::vector<int64_t>>* fits_;
  std::set<int64_t> seen_;
};

const std::vector<int64_t> kImages = {29, 3, 8, 4, 15, 16, 23};

CrossFitOptions with(int folds, uint64_t seed) {
  CrossFitOptions options;
  options.folds = folds;
  options.seed = seed;
  return options;
}

TEST_CASE("no image is scored by a detector that has seen it, and each is in all fits but one") {
  for (const int folds : {2, 3, 7, 50}) {
    CAPTURE(folds);
    std::vector<std::vector<int64_t>> fits;
    const auto make = [&](Device) { return std::make_unique<Memory>(&fits); };
    Progress progress;
    const std::vector<double> scores = cross_fit_scores(Numbered(), kImages, {}, make, with(folds, 4), &progress);
    CHECK(scores == std::vector<double>(kImages.size(), 0.0));
    CHECK(fits.size() == static_cast<size_t>(std::min(folds, 7)));
    for (const int64_t image : kImages) {
      size_t count = 0;
      for (const std::vector<int64_t>& fit : fits) count += std::count(fit.begin(), fit.end(), image);
      CHECK(count == fits.size() - 1);
    }
  }
}

TEST_CASE("a score is in its image's place, and is that of the detector fitted to the other folds") {
  const SyntheticFeatures source([] {
    SyntheticOptions options;
    options.num_images = 12;
    return options;
  }());
  const auto make = [](Device) { return std::make_unique<models::Patchcore>(models::PatchcoreOptions()); };
  const std::vector<int64_t> images = {7, 2, 9, 4};
  models::ExcludedCells excluded;
  excluded[2] = std::vector<uint8_t>(source.read(2).rows.dim(0), 1);  // nothing of image 2 is learnt, it is scored
  Progress progress;
  const std::vector<double> scores = cross_fit_scores(source, images, excluded, make, with(4, 9), &progress);
  for (size_t i = 0; i < images.size(); ++i) {
    std::vector<int64_t> others = images;
    others.erase(others.begin() + static_cast<int64_t>(i));
    const auto detector = make(Device::cpu());
    models::FitOptions options;
    options.seed = 9;
    fit_detector(*detector, source, others, excluded, options);
    CHECK(scores[i] == score_image(*detector, source.read(images[i]), {}));
  }
}

TEST_CASE("cells can be left out of memory banks alone") {
  std::vector<std::vector<int64_t>> fits;
  Memory memory(&fits);
  fit_detector(memory, Numbered(), {1, 2}, {}, {});
  CHECK(fits.size() == 1);
  CHECK_THROWS_WITH_AS(fit_detector(memory, Numbered(), {1, 2}, {{1, {0}}}, {}),
                       "fit_detector: only a memory bank can leave out cells of images", Error);
}

class Stopping : public Progress {
 public:
  bool stop_requested() override { return true; }
};

TEST_CASE("one image cannot be cross-fitted, and a request to stop ends it") {
  std::vector<std::vector<int64_t>> fits;
  const auto make = [&](Device) { return std::make_unique<Memory>(&fits); };
  Progress progress;
  Stopping stopping;
  CHECK_THROWS_AS(cross_fit_scores(Numbered(), {3}, {}, make, with(5, 4), &progress), Error);
  CHECK_THROWS_AS(cross_fit_scores(Numbered(), kImages, {}, make, with(5, 4), &stopping), models::Cancelled);
}

}  // namespace
}  // namespace assay::pipeline
