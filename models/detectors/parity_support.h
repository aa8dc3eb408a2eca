// SPDX-License-Identifier: Apache-2.0
// For tests of trainings against PyTorch: the features that the golden files' scripts draw, and the comparison.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/random/generator.h"
#include "models/detectors/detector.h"
#include "tests/support/test_device.h"

namespace assay::models {

constexpr int64_t kGoldenImages = 10, kGoldenNormalImages = 9;

// What all tokens share and noise; the last cell of the last image is odd.
class GoldenFeatures : public FeatureSource {
 public:
  explicit GoldenFeatures(int64_t width, int64_t prefix = 0) : width_(width), prefix_(prefix) {}
  int64_t num_images() const override { return kGoldenImages; }
  int64_t feature_width() const override { return width_; }
  uint64_t content_key(int64_t image) const override { return static_cast<uint64_t>(image); }
  FeatureGrid read(int64_t image) const override {
    FeatureGrid grid;
    grid.height = image % 2 == 0 ? 4 : 3;
    grid.width = image % 2 == 0 ? 4 : 5;
    grid.image_height = 16 * grid.height;
    grid.image_width = 16 * grid.width;
    const int64_t tokens = prefix_ + grid.height * grid.width;
    const Tensor all = Tensor::empty<float>({tokens, width_}, "test");
    constexpr uint64_t kBaseStream = 1000, kOddStream = 2000;
    const std::vector<double> base = normals(kBaseStream, width_), odd = normals(kOddStream, width_),
                              noise = normals(static_cast<uint64_t>(image), tokens * width_);
    for (int64_t i = 0; i < tokens * width_; ++i) {
      const bool is_odd = image >= kGoldenNormalImages && i / width_ == tokens - 1;
      const size_t c = static_cast<size_t>(i % width_);
      const double x = base[c] + 0.7 * noise[static_cast<size_t>(i)] + (is_odd ? 2 * odd[c] : 0);
      all.data<float>()[i] = static_cast<float>(x);
    }
    grid.rows = all.rows(prefix_, tokens);
    if (prefix_ > 0) grid.prefix = all.rows(0, prefix_);
    return grid;
  }

 private:
  static std::vector<double> normals(uint64_t stream, int64_t count) {
    constexpr uint64_t kSeed = 7;
    kernels::Generator generator(kSeed, stream);
    std::vector<double> values(static_cast<size_t>(count));
    for (double& v : values) v = generator.normal();
    return values;
  }
  const int64_t width_, prefix_;
};

// Fits the detector to the normal images. Losses within loss_tolerance of their own size, scores of the last two images
// within score_tolerance.
template <class D>
void fit_and_compare(D* detector, const FeatureSource& features, const std::vector<double>& losses,
                     const std::vector<double>& scores, double loss_tolerance, double score_tolerance) {
  const int threads = num_threads();
  set_num_threads(1);  // the same bits; with so little to do, a second one is only waited for on a busy machine
  detector->fit(features, {0, 1, 2, 3, 4, 5, 6, 7, 8}, {Schedule::kFinal, 5, {}});
  set_num_threads(threads);
  REQUIRE(detector->losses().size() == losses.size());
  double worst_loss = 0, worst_score = 0;
  for (size_t i = 0; i < losses.size(); ++i) {
    CAPTURE(i);
    const double off = std::fabs(detector->losses()[i] / losses[i] - 1);
    CHECK(off <= loss_tolerance);
    worst_loss = std::fmax(worst_loss, off);
  }
  std::vector<float> found = testing::values_of<float>(detector->score(features.read(kGoldenImages - 2)));
  for (const float v : testing::values_of<float>(detector->score(features.read(kGoldenImages - 1)))) found.push_back(v);
  REQUIRE(found.size() == scores.size());
  for (size_t i = 0; i < found.size(); ++i) {
    CAPTURE(i);
    const double off = std::fabs(found[i] - scores[i]);
    CHECK(off <= score_tolerance);
    worst_score = std::fmax(worst_score, off);
  }
  MESSAGE("losses within " << worst_loss << " of their own size, scores within " << worst_score);
}

}  // namespace assay::models
