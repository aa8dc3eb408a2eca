// SPDX-License-Identifier: Apache-2.0
// Whole trainings against PyTorch (tests/golden/make_rd.py, which draws the same weights and batches): network, running
// statistics, loss, optimiser, maps, on grids of even and odd sides.
#include <doctest/doctest.h>

#include "models/detectors/parity_support.h"
#include "models/detectors/rd.h"
#include "tests/golden/rd.h"
#include "tests/support/test_device.h"

namespace assay::models {
namespace {

using golden::RdTraining;
using testing::test_device;

constexpr int64_t kWidth = 44;  // 4 * 8 + 12

void check_training(const RdTraining& expected, double loss_tolerance, double score_tolerance) {
  const GoldenFeatures features(kWidth);
  RdOptions o;
  o.shape.widths = {8, 12};
  o.shape.block = expected.width_factor == 0 ? RdShape::Block::kBasic : RdShape::Block::kWideBottleneck;
  o.shape.is_rectified = expected.is_rectified;
  o.iterations = static_cast<int64_t>(expected.losses.size());
  o.batch = 4;
  Rd detector(o, test_device());
  fit_and_compare(&detector, features, expected.losses, expected.scores, loss_tolerance, score_tolerance);
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
