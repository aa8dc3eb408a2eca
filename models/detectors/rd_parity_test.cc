// SPDX-License-Identifier: Apache-2.0
// Whole trainings against PyTorch (tests/golden/make_rd.py, which draws the same weights and batches): network, running
// statistics, loss, optimiser, maps, on grids of even and odd sides.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/random/generator.h"
#include "models/detectors/rd.h"
#include "tests/golden/rd.h"
#include "tests/support/test_device.h"

namespace assay::models {
namespace {

using golden::RdTraining;
using testing::test_device;
using testing::values_of;

constexpr int64_t kImages = 10, kNormalImages = 9, kWidth = 44;  // 4 * 8 + 12
constexpr uint64_t kFeatureSeed = 7, kBaseStream = 1000, kOddStream = 2000;

// What all rows share and noise; the last row of the last image is odd.
class GoldenFeatures : public FeatureSource {
 public:
  int64_t num_images() const override { return kImages; }
  int64_t feature_width() const override { return kWidth; }
  uint64_t content_key(int64_t image) const override { return static_cast<uint64_t>(image); }
  FeatureGrid read(int64_t image) const override {
    FeatureGrid grid;
    grid.height = image % 2 == 0 ? 4 : 3;
    grid.width = image % 2 == 0 ? 4 : 5;
    grid.image_height = 16 * grid.height;
    grid.image_width = 16 * grid.width;
    const int64_t cells = grid.height * grid.width;
    grid.rows = Tensor::empty<float>({cells, kWidth}, "test");
    const std::vector<double> base = normals(kBaseStream, kWidth), odd = normals(kOddStream, kWidth),
                              noise = normals(static_cast<uint64_t>(image), cells * kWidth);
    for (int64_t i = 0; i < cells * kWidth; ++i) {
      const bool is_odd = image >= kNormalImages && i / kWidth == cells - 1;
      const size_t c = static_cast<size_t>(i % kWidth);
      grid.rows.data<float>()[i] =
          static_cast<float>(base[c] + 0.7 * noise[static_cast<size_t>(i)] + (is_odd ? 2 * odd[c] : 0));
    }
    return grid;
  }

 private:
  static std::vector<double> normals(uint64_t stream, int64_t count) {
    kernels::Generator generator(kFeatureSeed, stream);
    std::vector<double> values(static_cast<size_t>(count));
    for (double& v : values) v = generator.normal();
    return values;
  }
};

// Losses within loss_tolerance of their own size, scores within score_tolerance.
void check_training(const RdTraining& expected, double loss_tolerance, double score_tolerance) {
  const GoldenFeatures features;
  RdOptions o;
  o.shape.widths = {8, 12};
  o.shape.block = expected.width_factor == 0 ? RdShape::Block::kBasic : RdShape::Block::kWideBottleneck;
  o.shape.is_rectified = expected.is_rectified;
  o.iterations = static_cast<int64_t>(expected.losses.size());
  o.batch = 4;
  Rd detector(o, test_device());
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

// Some ten times what rounding makes of PyTorch's own training in float32, as the golden file says.
TEST_CASE("trainings of reverse distillation with basic blocks are PyTorch's") {
  check_training(golden::kBasic, 1e-5, 1e-4);
  check_training(golden::kBasicRectified, 1e-6, 6e-5);
}

TEST_CASE("a training of reverse distillation with wide bottlenecks is PyTorch's") {
  check_training(golden::kWideBottleneck, 3e-6, 1e-4);
}

}  // namespace
}  // namespace assay::models
