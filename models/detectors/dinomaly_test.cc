// SPDX-License-Identifier: Apache-2.0
#include "models/detectors/dinomaly.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "kernels/base/parallel.h"
#include "kernels/random/generator.h"
#include "models/detectors/training_batches.h"
#include "tests/support/synthetic_features.h"
#include "tests/support/test_device.h"

namespace assay::models {
namespace {

using assay::testing::SyntheticFeatures;
using assay::testing::SyntheticOptions;
using assay::testing::test_device;
using assay::testing::values_of;

SyntheticFeatures make_features(int64_t width = 16) {
  SyntheticOptions o;
  o.num_images = 12;
  o.feature_width = width;
  o.grids = {{4, 4}, {3, 5}};
  return SyntheticFeatures(o);
}

DinomalyOptions small_options(int64_t iterations = 40) {
  DinomalyOptions o;
  o.iterations = iterations;
  o.batch = 4;
  o.blocks = 2;
  return o;
}

std::vector<float> scores_of(const Dinomaly& detector, const SyntheticFeatures& features) {
  std::vector<float> all;
  for (int64_t i = 0; i < features.num_images(); ++i) {
    const Tensor score = detector.score(features.read(i));
    CHECK(score.shape() == Shape{features.read(i).height, features.read(i).width});
    for (const float v : values_of<float>(score)) all.push_back(v);
  }
  return all;
}

Dinomaly fitted(const SyntheticFeatures& features, const DinomalyOptions& options, uint64_t seed = 5) {
  Dinomaly detector(options, test_device());
  detector.fit(features, features.normal_images(), {Schedule::kFinal, seed, {}});
  return detector;
}

// Cells of 12 channels that use the first four only, but for the last cell of the last image, which uses the others:
// noise within a plane, and a direction that no normal cell has.
class PlaneFeatures : public FeatureSource {
 public:
  static constexpr int64_t kImages = 9, kCells = 16, kWidth = 12;
  int64_t num_images() const override { return kImages; }
  int64_t feature_width() const override { return kWidth; }
  uint64_t content_key(int64_t image) const override { return static_cast<uint64_t>(image); }
  FeatureGrid read(int64_t image) const override {
    FeatureGrid grid;
    grid.height = grid.width = 4;
    grid.image_height = grid.image_width = 64;
    grid.rows = Tensor::zeros<float>({kCells, kWidth}, "test");
    kernels::Generator generator(7, static_cast<uint64_t>(image));
    for (int64_t cell = 0; cell < kCells; ++cell) {
      const bool is_odd = image == kImages - 1 && cell == kCells - 1;
      for (int64_t c = is_odd ? 4 : 0; c < (is_odd ? kWidth : 4); ++c) {
        grid.rows.data<float>()[cell * kWidth + c] = static_cast<float>(generator.normal());
      }
    }
    return grid;
  }
};

TEST_CASE("dinomaly learns: the loss falls, and what it has not seen is reconstructed worst") {
  const PlaneFeatures features;
  Dinomaly detector(small_options(150), test_device());
  detector.fit(features, {0, 1, 2, 3, 4, 5, 6, 7}, {Schedule::kFinal, 5, {}});
  const std::vector<float>& losses = detector.losses();
  REQUIRE(losses.size() == 150);
  CHECK(losses.back() < 0.5f * losses.front());
  const std::vector<float> score = values_of<float>(detector.score(features.read(PlaneFeatures::kImages - 1)));
  const auto worst = std::max_element(score.begin(), score.end());
  CHECK(worst == score.end() - 1);
  CHECK(*worst > 2 * *std::max_element(score.begin(), worst));
}

TEST_CASE("dinomaly is the same, bit for bit, in whatever order images come, and another with another seed") {
  const SyntheticFeatures features = make_features();
  const std::vector<float> once = scores_of(fitted(features, small_options()), features);
  CHECK(scores_of(fitted(features, small_options()), features) == once);
  CHECK(scores_of(fitted(features, small_options(), 6), features) != once);
  std::vector<int64_t> images = features.normal_images();
  std::reverse(images.begin(), images.end());
  Dinomaly reversed(small_options(), test_device());
  set_num_threads(1);
  reversed.fit(features, images, {Schedule::kFinal, 5, {}});
  set_num_threads(2);
  CHECK(scores_of(reversed, features) == once);
}

TEST_CASE("dinomaly computes the same but for rounding where activations are not kept") {
  const SyntheticFeatures features = make_features();
  DinomalyOptions o = small_options(10);
  const std::vector<float> kept = scores_of(fitted(features, o), features);
  o.recompute = true;
  const std::vector<float> again = scores_of(fitted(features, o), features);
  // Gradients of a block's input are added up in another order; ten steps of 0.002 can make no more of it.
  for (size_t i = 0; i < kept.size(); ++i) CHECK(std::fabs(again[i] - kept[i]) < 1e-3f);
}

TEST_CASE("dinomaly reconstructs two groups of features, and follows the other published recipe") {
  const SyntheticFeatures features = make_features();
  DinomalyOptions o = small_options(60);
  o.groups = 2;
  const Dinomaly two = fitted(features, o);
  CHECK(two.losses().back() < two.losses().front());
  o = small_options(60);
  o.recipe = DinomalyOptions::Recipe::kLlbnad;
  const Dinomaly other = fitted(features, o);
  CHECK(other.losses().back() < other.losses().front());
  o.groups = 3;
  CHECK_THROWS_WITH(fitted(features, o), "dinomaly: features of 16 channels for 3 groups of one width");
}

TEST_CASE("dinomaly trains sub-models for a share of the iterations, and stops when asked to") {
  const SyntheticFeatures features = make_features();
  DinomalyOptions o = small_options(40);
  o.sub_model_share = 0.25;
  Dinomaly detector(o, test_device());
  detector.fit(features, features.normal_images(), {Schedule::kSubModel, 1, {}});
  CHECK(detector.losses().size() == 10);
  const auto stop = [](double done) { return done < 0.5; };
  CHECK_THROWS_AS(detector.fit(features, features.normal_images(), {Schedule::kFinal, 1, stop}), Cancelled);
  CHECK(detector.losses().size() == 10);  // the earlier fit is still there
}

TEST_CASE("dinomaly scores a batch as its images one by one, and a loaded model as the saved one") {
  const SyntheticFeatures features = make_features();
  const Dinomaly detector = fitted(features, small_options(10));
  const FeatureGrid batch = features.read_batch({0, 2}, test_device());
  const Tensor both = detector.score(batch);
  REQUIRE(both.shape() == Shape{2, 4, 4});
  std::vector<float> apart = values_of<float>(detector.score(features.read(0)));
  for (const float v : values_of<float>(detector.score(features.read(2)))) apart.push_back(v);
  const std::vector<float> together = values_of<float>(both);
  for (size_t i = 0; i < apart.size(); ++i) CHECK(std::fabs(apart[i] - together[i]) < 1e-5f);

  std::map<std::string, Tensor> tensors;
  const nlohmann::json description = detector.save(&tensors);
  Dinomaly loaded(DinomalyOptions(), test_device());
  REQUIRE(loaded.load(description, tensors).ok());
  CHECK(scores_of(loaded, features) == scores_of(detector, features));
}

TEST_CASE("dinomaly refuses models that do not fit together, by name") {
  const SyntheticFeatures features = make_features();
  std::map<std::string, Tensor> tensors;
  const nlohmann::json description = fitted(features, small_options(1)).save(&tensors);
  const auto error = [](const nlohmann::json& d, const std::map<std::string, Tensor>& t) {
    return Dinomaly(DinomalyOptions(), test_device()).load(d, t).message();
  };
  CHECK(error(description, tensors).empty());
  for (const char* key : {"width", "groups", "blocks", "heads"}) {
    nlohmann::json changed = description;
    changed.erase(key);
    CHECK(error(changed, tensors) == std::string("dinomaly: ") + key + " is missing from the description");
    changed[key] = 1e9;
    CHECK_FALSE(error(changed, tensors).empty());
    changed[key] = int64_t{1} << 40;
    CHECK(error(changed, tensors).find("expected 1 to") != std::string::npos);
  }
  nlohmann::json changed = description;
  changed["heads"] = 3;
  CHECK(error(changed, tensors).find("3 heads for a width of 16") != std::string::npos);
  changed = description;
  changed["blocks"] = 3;
  CHECK(error(changed, tensors).find("missing: decoder.2") != std::string::npos);
  std::map<std::string, Tensor> fewer = tensors;
  fewer.erase("dinomaly.decoder.0.norm1.weight");
  CHECK(error(description, fewer).find("1 missing: decoder.0.norm1.weight") != std::string::npos);
  std::map<std::string, Tensor> infinite = tensors;
  Tensor bad = tensors.at("dinomaly.decoder.0.norm1.weight").clone("test");
  bad.data<float>()[0] = std::numeric_limits<float>::infinity();
  infinite["dinomaly.decoder.0.norm1.weight"] = bad;
  CHECK(error(description, infinite) == "dinomaly: decoder.0.norm1.weight holds a number that is not finite");
  Dinomaly unfitted(DinomalyOptions(), test_device());
  CHECK_THROWS_WITH(unfitted.score(features.read(0)), "dinomaly: score before fit or load");
  CHECK_THROWS_AS(Dinomaly(small_options(0)), Error);
}

TEST_CASE("training batches hold one size each, and every pass shows each image at most once") {
  const SyntheticFeatures features = make_features();
  std::vector<int64_t> all;
  for (int64_t i = 0; i < features.num_images(); ++i) all.push_back(i);
  TrainingBatches batches(features, all, 4, 1);  // six images of either size: one batch of four each
  for (int pass = 0; pass < 5; ++pass) {
    std::set<int64_t> seen;
    for (int b = 0; b < 2; ++b) {
      const std::vector<int64_t> batch = batches.next();
      CHECK(batch.size() == 4);
      for (const int64_t image : batch) {
        CHECK(seen.insert(image).second);
        CHECK(features.shape(image).height == features.shape(batch[0]).height);
      }
    }
  }
  TrainingBatches whole(features, {0, 2, 1}, 16, 1);  // fewer than a batch: together
  CHECK(whole.next().size() + whole.next().size() == 3);
}

TEST_CASE("heads are about 64 channels wide and divide the width") {
  CHECK(dinomaly_heads(384) == 6);
  CHECK(dinomaly_heads(112) == 2);
  CHECK(dinomaly_heads(40) == 1);
  CHECK(dinomaly_heads(193) == 193);
}

}  // namespace
}  // namespace assay::models
