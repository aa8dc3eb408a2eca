// SPDX-License-Identifier: Apache-2.0
#include "models/detectors/rd.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/base/parallel.h"
#include "kernels/random/generator.h"
#include "models/features/packed_cells.h"
#include "tests/support/synthetic_features.h"
#include "tests/support/test_device.h"

namespace assay::models {
namespace {

using assay::testing::SyntheticFeatures;
using assay::testing::SyntheticOptions;
using assay::testing::test_device;
using assay::testing::values_of;

// The same bits; with so little to do, a second thread is only waited for on a busy machine.
struct OneThreadHere {
  OneThreadHere() : before(num_threads()) { set_num_threads(1); }
  ~OneThreadHere() { set_num_threads(before); }
  const int before;
};

// Three levels: 16 * 1 + 4 * 2 + 4 columns.
SyntheticFeatures make_features() {
  SyntheticOptions o;
  o.num_images = 12;
  o.feature_width = 28;
  o.grids = {{4, 4}, {3, 5}};
  return SyntheticFeatures(o);
}

RdOptions small_options(int64_t iterations = 6) {
  RdOptions o;
  o.shape.widths = {1, 2, 4};
  o.iterations = iterations;
  o.batch = 4;
  return o;
}

std::vector<float> scores_of(const Rd& detector, const FeatureSource& features) {
  std::vector<float> all;
  const int64_t factor = int64_t{1} << 2;
  for (int64_t i = 0; i < features.num_images(); ++i) {
    const Tensor score = detector.score(features.read(i));
    CHECK(score.shape() == Shape{factor * features.read(i).height, factor * features.read(i).width});
    for (const float v : values_of<float>(score)) all.push_back(v);
  }
  return all;
}

Rd fitted(const SyntheticFeatures& features, const RdOptions& options, uint64_t seed = 5) {
  const OneThreadHere one_thread;
  Rd detector(options, test_device());
  detector.fit(features, features.normal_images(), {Schedule::kFinal, seed, {}});
  return detector;
}

// Two levels of 8 and 12 channels, of which normal cells use the first half only. In the last image one cell of the
// finer level uses the other half.
class TwoLevels : public FeatureSource {
 public:
  static constexpr int64_t kImages = 9, kSide = 4, kFine = 8, kCoarse = 12;
  static constexpr int64_t kOddRow = 5, kOddColumn = 2;
  int64_t num_images() const override { return kImages; }
  int64_t feature_width() const override { return 4 * kFine + kCoarse; }
  uint64_t content_key(int64_t image) const override { return static_cast<uint64_t>(image); }
  FeatureGrid read(int64_t image) const override {
    kernels::Generator generator(7, static_cast<uint64_t>(image));
    const Tensor fine = level(2 * kSide, kFine, generator), coarse = level(kSide, kCoarse, generator);
    if (image == kImages - 1) {
      float* cell = fine.data<float>() + (kOddRow * 2 * kSide + kOddColumn) * kFine;
      std::rotate(cell, cell + kFine / 2, cell + kFine);
    }
    const Tensor packed = pack_cells(fine, 2);
    FeatureGrid grid;
    grid.height = grid.width = kSide;
    grid.image_height = grid.image_width = 16 * kSide;
    grid.rows = Tensor::empty<float>({kSide * kSide, feature_width()}, "test");
    for (int64_t r = 0; r < kSide * kSide; ++r) {
      float* to = grid.rows.data<float>() + r * feature_width();
      std::copy_n(packed.data<float>() + r * 4 * kFine, 4 * kFine, to);
      std::copy_n(coarse.data<float>() + r * kCoarse, kCoarse, to + 4 * kFine);
    }
    return grid;
  }

 private:
  static Tensor level(int64_t side, int64_t channels, kernels::Generator& generator) {
    const Tensor cells = Tensor::zeros<float>({1, side, side, channels}, "test");
    for (int64_t i = 0; i < side * side; ++i) {
      for (int64_t c = 0; c < channels / 2; ++c) {
        cells.data<float>()[i * channels + c] = static_cast<float>(1 + 0.3 * generator.normal());
      }
    }
    return cells;
  }
};

TEST_CASE("rd learns: the loss falls, and a finer cell that it has not seen the like of is given back worst") {
  const OneThreadHere one_thread;
  const TwoLevels features;
  RdOptions o;
  o.shape = {{TwoLevels::kFine, TwoLevels::kCoarse}, RdShape::Block::kBasic, /*is_rectified=*/true};
  o.iterations = 60;
  o.batch = 4;
  Rd detector(o, test_device());
  detector.fit(features, {0, 1, 2, 3, 4, 5, 6, 7}, {Schedule::kFinal, 5, {}});
  const std::vector<float>& losses = detector.losses();
  REQUIRE(losses.size() == 60);
  CHECK(losses.back() < 0.5f * losses.front());
  const Tensor values = detector.score(features.read(TwoLevels::kImages - 1));
  CHECK(values.shape() == Shape{2 * TwoLevels::kSide, 2 * TwoLevels::kSide});
  std::vector<float> score = values_of<float>(values);
  const auto worst = std::max_element(score.begin(), score.end());
  CHECK(worst - score.begin() == TwoLevels::kOddRow * 2 * TwoLevels::kSide + TwoLevels::kOddColumn);
  const float odd = *worst;
  *worst = 0;
  CHECK(odd > 1.5f * *std::max_element(score.begin(), score.end()));
}

TEST_CASE("rd is the same, bit for bit, in whatever order images come, and another with another seed") {
  const SyntheticFeatures features = make_features();
  const std::vector<float> once = scores_of(fitted(features, small_options()), features);
  CHECK(scores_of(fitted(features, small_options()), features) == once);
  CHECK(scores_of(fitted(features, small_options(), 6), features) != once);
  std::vector<int64_t> images = features.normal_images();
  std::reverse(images.begin(), images.end());
  Rd reversed(small_options(), test_device());
  const int before = num_threads();
  set_num_threads(3);  // others are fitted by one
  reversed.fit(features, images, {Schedule::kFinal, 5, {}});
  set_num_threads(before);
  CHECK(scores_of(reversed, features) == once);
}

TEST_CASE("rd's three kinds of blocks learn, with levels that a ReLU has left and others") {
  const OneThreadHere one_thread;
  const TwoLevels features;
  for (const auto block : {RdShape::Block::kBasic, RdShape::Block::kBottleneck, RdShape::Block::kWideBottleneck}) {
    for (const bool is_rectified : {false, true}) {
      CAPTURE(static_cast<int>(block));
      CAPTURE(is_rectified);
      RdOptions o;
      o.shape = {{TwoLevels::kFine, TwoLevels::kCoarse}, block, is_rectified};
      o.iterations = 6;
      o.batch = 4;
      Rd detector(o, test_device());
      detector.fit(features, {0, 1, 2, 3, 4, 5, 6, 7}, {Schedule::kFinal, 5, {}});
      CHECK(detector.losses().back() < detector.losses().front());
    }
  }
}

TEST_CASE("rd's parameters have the published names, and shapes but for the order of axes") {
  ParameterList list;
  const RdNetwork network(&list, {{256, 512, 1024}, RdShape::Block::kWideBottleneck, true});
  const auto shape_of = [&](const std::string& name) {
    for (int64_t i = 0; i < list.size(); ++i) {
      if (list.at(i).name == name) return to_string(list.shape(i));
    }
    return std::string("missing");
  };
  CHECK(shape_of("bn.conv1.weight") == "(512, 3, 3, 256)");
  CHECK(shape_of("bn.conv2.weight") == "(1024, 3, 3, 512)");
  CHECK(shape_of("bn.conv3.weight") == "(1024, 3, 3, 512)");
  CHECK(shape_of("bn.bn3.running_var") == "(1024)");
  CHECK(shape_of("bn.bn_layer.0.conv1.weight") == "(1024, 1, 1, 3072)");
  CHECK(shape_of("bn.bn_layer.0.conv2.weight") == "(1024, 3, 3, 1024)");
  CHECK(shape_of("bn.bn_layer.0.downsample.0.weight") == "(2048, 1, 1, 3072)");
  CHECK(shape_of("bn.bn_layer.2.bn3.weight") == "(2048)");
  CHECK(shape_of("bn.bn_layer.3.conv1.weight") == "missing");
  CHECK(shape_of("decoder.layer1.0.conv2.weight") == "(512, 2, 2, 512)");
  CHECK(shape_of("decoder.layer1.0.upsample.0.weight") == "(2048, 2, 2, 1024)");
  CHECK(shape_of("decoder.layer1.1.conv2.weight") == "(512, 3, 3, 512)");
  CHECK(shape_of("decoder.layer2.3.conv3.weight") == "(512, 1, 1, 256)");
  CHECK(shape_of("decoder.layer3.5.bn3.bias") == "(256)");
  CHECK(shape_of("decoder.layer3.6.conv1.weight") == "missing");
}

TEST_CASE("rd trains sub-models for a share of the iterations, and stops when asked to") {
  const SyntheticFeatures features = make_features();
  RdOptions o = small_options(12);
  o.sub_model_share = 0.25;
  Rd detector(o, test_device());
  detector.fit(features, features.normal_images(), {Schedule::kSubModel, 1, {}});
  CHECK(detector.losses().size() == 3);
  const auto stop = [](double done) { return done < 0.5; };
  CHECK_THROWS_AS(detector.fit(features, features.normal_images(), {Schedule::kFinal, 1, stop}), Cancelled);
  CHECK(detector.losses().size() == 3);  // the earlier fit is still there
}

TEST_CASE("rd scores a grid of any size, and a loaded model as the saved one") {
  const SyntheticFeatures features = make_features();
  const Rd detector = fitted(features, small_options(5));
  const FeatureGrid one = {1, 1, 16, 16, Tensor::zeros<float>({1, 28}, "test")};
  for (const float v : values_of<float>(detector.score(one))) CHECK(std::isfinite(v));
  std::map<std::string, Tensor> tensors;
  const nlohmann::json description = detector.save(&tensors);
  Rd loaded(RdOptions(), test_device());
  REQUIRE(loaded.load(description, tensors).ok());
  CHECK(scores_of(loaded, features) == scores_of(detector, features));
  // Statistics of the batches that trained it are in the file.
  CHECK(values_of<float>(tensors.at("rd.bn.bn1.running_mean")) != std::vector<float>(2, 0));
}

TEST_CASE("rd refuses models that do not fit together, by name, and changes nothing") {
  const SyntheticFeatures features = make_features();
  std::map<std::string, Tensor> tensors;
  Rd detector = fitted(features, small_options(1));
  const nlohmann::json description = detector.save(&tensors);
  const std::vector<float> scores = scores_of(detector, features);
  const auto error = [&](const nlohmann::json& d, const std::map<std::string, Tensor>& t) {
    return detector.load(d, t).message();
  };
  CHECK(error(description, tensors).empty());
  const auto with = [&](const char* key, const nlohmann::json& value) {
    nlohmann::json changed = description;
    changed[key] = value;
    return error(changed, tensors);
  };
  CHECK(error(nlohmann::json(), tensors) == "rd: widths is null, expected 1 to 6 numbers");
  CHECK(with("widths", nlohmann::json::array()) == "rd: widths is [], expected 1 to 6 numbers");
  CHECK(with("widths", {1, 2, 3, 4, 5, 6, 7}) == "rd: widths is [1,2,3,4,5,6,7], expected 1 to 6 numbers");
  CHECK(with("widths", {1, 2, 0}) == "rd: width is 0, expected 1 to 16384");
  CHECK(with("widths", {1, 2, int64_t{1} << 40}) == "rd: width is 1099511627776, expected 1 to 16384");
  CHECK(with("widths", {1, 2, "4"}) == "rd: width is missing from the description");
  CHECK(with("widths", {1, 2, 5}).find("of the wrong shape") != std::string::npos);
  CHECK(with("block", "odd") == "rd: block is \"odd\", expected basic, bottleneck or wide_bottleneck");
  CHECK(with("block", 0) == "rd: block is 0, expected basic, bottleneck or wide_bottleneck");
  CHECK(with("block", "bottleneck") == "rd: a level of 1 channels, expected a multiple of 4");
  CHECK(with("rectified", 1) == "rd: rectified is 1, expected true or false");
  for (const auto& [name, tensor] : tensors) {
    CAPTURE(name);
    std::map<std::string, Tensor> damaged = tensors;
    damaged.erase(name);
    CHECK(error(description, damaged).find("1 missing: " + name.substr(3)) != std::string::npos);
    const Tensor infinite = tensor.clone("test");
    infinite.data<float>()[0] = std::numeric_limits<float>::infinity();
    damaged[name] = infinite;
    CHECK(error(description, damaged) == "rd: " + name.substr(3) + " holds a number that is not finite");
    damaged[name] = Tensor::zeros<float>({1, 1}, "test");
    CHECK(error(description, damaged).find("1 of the wrong shape: " + name.substr(3)) != std::string::npos);
  }
  std::map<std::string, Tensor> negative = tensors;
  negative["rd.bn.bn1.running_var"] = testing::on_host(testing::tensor_of<float>({2}, {1, -1}));
  CHECK(error(description, negative) == "rd: bn.bn1.running_var holds a negative number");
  CHECK(scores_of(detector, features) == scores);
}

TEST_CASE("rd says what it cannot do") {
  const SyntheticFeatures features = make_features();
  CHECK_THROWS_WITH(Rd(small_options(0)), "rd: 0 iterations, batches of 4, expected at least 1 of each");
  RdOptions o = small_options();
  o.shape.widths = {};
  CHECK_THROWS_WITH((Rd(o)), "rd: 0 levels, expected 1 to 6");
  o.shape.widths = {2, 4};
  CHECK_THROWS_WITH(fitted(features, o), "rd: features of 28 columns for levels of 12 when packed");
  o.shape.block = RdShape::Block::kBottleneck;
  CHECK_THROWS_WITH((Rd(o)), "rd: a level of 2 channels, expected a multiple of 4");
  o = small_options();
  o.sub_model_share = 0;
  CHECK_THROWS_WITH((Rd(o)), "rd: sub_model_share 0, expected more than 0, at most 1");
  Rd unfitted(small_options(), test_device());
  CHECK_THROWS_WITH(unfitted.score(features.read(0)), "rd: score before fit or load");
  std::map<std::string, Tensor> tensors;
  CHECK_THROWS_WITH(unfitted.save(&tensors), "rd: save before fit or load");
  CHECK_THROWS_AS(fitted(features, small_options(1)).score({1, 1, 16, 16, Tensor::zeros<float>({1, 5}, "test")}),
                  Error);
}

}  // namespace
}  // namespace assay::models
