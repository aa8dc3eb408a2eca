// SPDX-License-Identifier: Apache-2.0
// Whole trainings against PyTorch (tests/golden/make_dinomaly.py, which draws the same weights, batches and dropout
// masks): network, loss, hard mining, optimiser, schedule, order of batches.
#include <doctest/doctest.h>

#include "models/detectors/dinomaly.h"
#include "models/detectors/parity_support.h"
#include "tests/golden/dinomaly.h"
#include "tests/support/test_device.h"

namespace assay::models {
namespace {

using golden::DinomalyTraining;
using testing::test_device;

constexpr int64_t kGroupWidth = 72;

void check_training(const DinomalyTraining& expected, double loss_tolerance, double score_tolerance) {
  const GoldenFeatures features(kGroupWidth * expected.groups, expected.prefix);
  DinomalyOptions o;
  o.recipe = expected.recipe == "llbnad" ? DinomalyOptions::Recipe::kLlbnad : DinomalyOptions::Recipe::kDinomaly;
  o.iterations = static_cast<int64_t>(expected.losses.size());
  o.batch = 4;
  o.groups = expected.groups;
  o.blocks = 4;
  Dinomaly detector(o, test_device());
  fit_and_compare(&detector, features, expected.losses, expected.scores, loss_tolerance, score_tolerance);
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
