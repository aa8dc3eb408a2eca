// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage2/ensemble.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "models/detectors/patchcore.h"
#include "pipeline/stage1/robust.h"
#include "tests/support/synthetic_features.h"

namespace assay::pipeline {
namespace {

// One cell an image, which holds its number.
class Numbered : public models::FeatureSource {
 public:
  int64_t num_images() const override { return 9; }
  int64_t feature_width() const override { return 1; }
  uint64_t content_key(int64_t image) const override { return static_cast<uint64_t>(image); }
  models::FeatureGrid read(int64_t image) const override {
    models::FeatureGrid grid{1, 1, 8, 8, Tensor::empty<float>({1, 1}, "test")};
    grid.rows.data<float>()[0] = static_cast<float>(image);
    return grid;
  }
};

struct Fit {
  std::set<int64_t> images;
  uint64_t seed;
};

// An image that it has seen has the score 1000, another its number plus 1 times a scale of the detector's own.
class Scaled : public models::Detector {
 public:
  Scaled(double scale, std::vector<Fit>* fits) : scale_(scale), fits_(fits) {}
  void fit(const models::FeatureSource&, const std::vector<int64_t>& images,
           const models::FitOptions& options) override {
    if (options.progress && !options.progress(0.5)) throw models::Cancelled();
    seen_ = {images.begin(), images.end()};
    if (fits_) fits_->push_back({seen_, options.seed});
  }
  Tensor score(const models::FeatureGrid& grid) const override {
    const Tensor map = Tensor::zeros<float>({1, 1}, "test");
    const float image = grid.rows.data<float>()[0];
    map.data<float>()[0] = seen_.count(std::lround(image)) ? 1000 : static_cast<float>(scale_) * (image + 1);
    return map;
  }
  nlohmann::json save(std::map<std::string, Tensor>*) const override { return {}; }
  Status load(const nlohmann::json&, const std::map<std::string, Tensor>&) override { return Status(); }

 private:
  const double scale_;
  std::vector<Fit>* const fits_;
  std::set<int64_t> seen_;
};

// Subsets of images 0..8; 8 was set aside by an earlier round, 2 by this one.
Stage1Result purified() {
  Stage1Result stage1;
  stage1.num_models = 3;
  stage1.subset = {0, 1, 2, 0, 1, 2, 0, 1, -1};
  stage1.selection.kept = {1, 1, 0, 1, 1, 1, 1, 1, 1};
  return stage1;
}

// Detectors of scales 1, 2, 3 and so on.
DetectorFactory scaled(std::vector<Fit>* fits) {
  return [fits, n = std::make_shared<int>(0)](Device) { return std::make_unique<Scaled>(++*n, fits); };
}

TEST_CASE("members see what is kept of their subsets, and no image is scored by one that has seen it") {
  std::vector<Fit> fits;
  Progress progress;
  EnsembleOptions options;
  options.seed = 40;
  const FittedEnsemble fitted = fit_ensemble(Numbered(), purified(), scaled(&fits), options, &progress).value();
  REQUIRE(fits.size() == 3);
  CHECK(fits[0].images == std::set<int64_t>{0, 3, 6});
  CHECK(fits[1].images == std::set<int64_t>{1, 4, 7});
  CHECK(fits[2].images == std::set<int64_t>{5});
  for (size_t k = 0; k < 3; ++k) CHECK(fits[k].seed == 40 + k);
  CHECK(fitted.images == std::vector<int64_t>{0, 1, 3, 4, 5, 6, 7, 8});
  REQUIRE(fitted.held_out.size() == 8);
  for (const double score : fitted.held_out) CHECK(score < 1000);
}

TEST_CASE("members that differ by a scale alone are brought to one, and then agree") {
  Progress progress;
  const FittedEnsemble fitted = fit_ensemble(Numbered(), purified(), scaled(nullptr), {}, &progress).value();
  const auto& members = fitted.detector->members();
  REQUIRE(members.size() == 3);
  // Medians of what each has not seen: member 0 {1, 4, 5, 7, 8}, member 1 {0, 3, 5, 6, 8}, member 2 {0, 1, 3, 4, 6, 7,
  // 8}.
  const std::vector<double> medians = {1 * (5 + 1.0), 2 * (5 + 1.0), 3 * (4 + 1.0)};
  for (size_t m = 0; m < 3; ++m) CHECK(members[m].weight == doctest::Approx(median(medians) / medians[m]));
  // Image 4 is of subset 1: members 0 and 2 are left.
  const double expected = (members[0].weight * 1 * 5 + members[2].weight * 3 * 5) / 2;
  CHECK(fitted.held_out[3] == doctest::Approx(expected).epsilon(1e-6));
  // Image 8 is in no subset: all count.
  const double all = (members[0].weight * 1 + members[1].weight * 2 + members[2].weight * 3) * 9 / 3;
  CHECK(fitted.held_out[7] == doctest::Approx(all).epsilon(1e-6));
}

TEST_CASE("sub-models that stage 1 has kept are the members, as they are") {
  std::vector<Fit> fits;
  Stage1Result stage1 = purified();
  for (int k = 0; k < 3; ++k) stage1.sub_models.push_back(std::make_shared<Scaled>(1, nullptr));
  Progress progress;
  const FittedEnsemble fitted = fit_ensemble(Numbered(), stage1, scaled(&fits), {}, &progress).value();
  CHECK(fits.empty());
  for (size_t k = 0; k < 3; ++k) CHECK(fitted.detector->members()[k].detector == stage1.sub_models[k]);
}

TEST_CASE("cells that are left out of a memory bank are left out of its member") {
  testing::SyntheticOptions synthetic;
  synthetic.num_images = 9;
  const testing::SyntheticFeatures source(synthetic);
  Stage1Result stage1 = purified();
  std::vector<uint8_t> cells(source.read(2).rows.dim(0), 1);
  cells[0] = 0;
  stage1.excluded[2] = cells;  // one of its cells is rescued
  const auto make = [](Device) { return std::make_unique<models::Patchcore>(models::PatchcoreOptions()); };
  Progress progress;
  const FittedEnsemble fitted = fit_ensemble(source, stage1, make, {}, &progress).value();
  models::Patchcore expected{models::PatchcoreOptions()};
  models::FitOptions fit_options;
  fit_options.seed = 2;
  expected.fit_without(source, {2, 5}, {{2, cells}}, fit_options);
  for (int64_t i = 0; i < 9; ++i) {
    CHECK(score_image(*fitted.detector->members()[2].detector, source.read(i), {}) ==
          score_image(expected, source.read(i), {}));
  }
  CHECK(std::find(fitted.images.begin(), fitted.images.end(), 2) == fitted.images.end());
}

TEST_CASE("subsets without an image that looks normal have no member, and one member is too few") {
  std::vector<Fit> fits;
  Stage1Result stage1 = purified();
  stage1.selection.kept = {1, 1, 0, 1, 1, 0, 1, 1, 1};
  Progress progress;
  CHECK(fit_ensemble(Numbered(), stage1, scaled(&fits), {}, &progress).value().detector->members().size() == 2);
  stage1.selection.kept = {1, 0, 0, 1, 0, 0, 1, 0, 1};
  CHECK(fit_ensemble(Numbered(), stage1, scaled(&fits), {}, &progress).message() ==
        "--ensemble: 1 of 3 subsets have images that look normal, expected at least 2");
}

TEST_CASE("images that all score zero do not divide by it") {
  const auto make = [](Device) { return std::make_unique<Scaled>(0, nullptr); };
  Progress progress;
  const FittedEnsemble fitted = fit_ensemble(Numbered(), purified(), make, {}, &progress).value();
  for (const auto& member : fitted.detector->members()) CHECK(member.weight == 1);
}

TEST_CASE("a request to stop ends it") {
  class Stopping : public Progress {
   public:
    void advance(int64_t done) override { done_ = done; }
    bool stop_requested() override { return done_ >= at; }
    int64_t at = 0;

   private:
    int64_t done_ = 0;
  };
  for (const int64_t at : {0, 3, 17, 20}) {
    Stopping progress;
    progress.at = at;
    CHECK_THROWS_AS((void)fit_ensemble(Numbered(), purified(), scaled(nullptr), {}, &progress), models::Cancelled);
  }
}

}  // namespace
}  // namespace assay::pipeline
