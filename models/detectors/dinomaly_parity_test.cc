// SPDX-License-Identifier: Apache-2.0
// Whole trainings against PyTorch (tests/golden/make_dinomaly.py, which draws the same weights, batches and dropout
// masks): network, loss, hard mining, optimiser, schedule, order of batches.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/random/generator.h"
#include "models/detectors/dinomaly.h"
#include "tests/golden/dinomaly.h"
#include "tests/support/test_device.h"

namespace assay::models {
namespace {

using golden::DinomalyTraining;
using testing::test_device;
using testing::values_of;

constexpr int64_t kImages = 10, kNormalImages = 9, kGroupWidth = 72;
constexpr uint64_t kFeatureSeed = 7, kBaseStream = 1000, kOddStream = 2000;

// What all tokens share and noise; the last cell of the last image is odd.
class GoldenFeatures : public FeatureSource {
 public:
  GoldenFeatures(int64_t groups, int64_t prefix) : width_(kGroupWidth * groups), prefix_(prefix) {}
  int64_t num_images() const override { return kImages; }
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
    const std::vector<double> base = normals(kBaseStream, width_), odd = normals(kOddStream, width_),
                              noise = normals(static_cast<uint64_t>(image), tokens * width_);
    for (int64_t i = 0; i < tokens * width_; ++i) {
      const bool is_odd = image >= kNormalImages && i / width_ == tokens - 1;
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
    kernels::Generator generator(kFeatureSeed, stream);
    std::vector<double> values(static_cast<size_t>(count));
    for (double& v : values) v = generator.normal();
    return values;
  }
  const int64_t width_, prefix_;
};

// Losses within loss_tolerance of their own size, scores within score_tolerance.
void check_training(const DinomalyTraining& expected, double loss_tolerance, double score_tolerance) {
  const GoldenFeatures features(expected.groups, expected.prefix);
  DinomalyOptions o;
  o.recipe = expected.recipe == "llbnad" ? DinomalyOptions::Recipe::kLlbnad : DinomalyOptions::Recipe::kDinomaly;
  o.iterations = static_cast<int64_t>(expected.losses.size());
  o.batch = 4;
  o.groups = expected.groups;
  o.blocks = 4;
  Dinomaly detector(o, test_device());
  const int threads = num_threads();
  set_num_threads(1);  // the same bits; with so little to do, a second one is only waited for on a busy machine
  detector.fit(features, {0, 1, 2, 3, 4, 5, 6, 7, 8}, {Schedule::kFinal, 5, {}});
  set_num_threads(threads);
  REQUIRE(detector.losses().size() == expected.losses.size());
  double worst_loss = 0, worst_score = 0;
  for (size_t i = 0; i < expected.losses.size(); ++i) {
    CAPTURE(i);
    const double off = std::fabs(detector.losses()[i] / expected.losses[i] - 1);
    CHECK(off <= loss_tolerance);
    worst_loss = std::fmax(worst_loss, off);
  }
  std::vector<float> scores = values_of<float>(detector.score(features.read(kImages - 2)));
  for (const float v : values_of<float>(detector.score(features.read(kImages - 1)))) scores.push_back(v);
  REQUIRE(scores.size() == expected.scores.size());
  for (size_t i = 0; i < scores.size(); ++i) {
    CAPTURE(i);
    const double off = std::fabs(scores[i] - expected.scores[i]);
    CHECK(off <= score_tolerance);
    worst_score = std::fmax(worst_score, off);
  }
  MESSAGE("losses within " << worst_loss << " of their own size, scores within " << worst_score);
}

// Issue 4 asks for 1e-3. What rounding makes of a training, the golden file says of PyTorch itself: tolerances are ten
// times that.
TEST_CASE("a short training of Dinomaly is PyTorch's") { check_training(golden::kShort, 1e-5, 1e-5); }

TEST_CASE("100 steps of Dinomaly with two groups are PyTorch's") { check_training(golden::kTwoGroups, 1e-4, 1e-5); }

TEST_CASE("100 steps of Dinomaly with one group are PyTorch's") {
  if (testing::on_cuda()) return;  // a simulated GPU takes a minute for such a training: the one above is enough
  check_training(golden::kOneGroup, 3e-4, 1e-5);
}

TEST_CASE("tokens before the cells take part in Dinomaly as in PyTorch") {
  check_training(golden::kTokens, 1e-5, 1e-5);
}

TEST_CASE("the other published recipe is PyTorch's") { check_training(golden::kLlbnad, 1e-4, 1e-5); }

}  // namespace
}  // namespace assay::models
