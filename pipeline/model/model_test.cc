// SPDX-License-Identifier: Apache-2.0
// Saved models come back bit for bit; damaged files are refused with a reason.
#include "pipeline/model/model.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/io/safetensors.h"
#include "models/detectors/ensemble.h"
#include "models/detectors/rd.h"
#include "tests/support/temporary_folder.h"

namespace assay::pipeline {
namespace {

using nlohmann::json;
using testing::TemporaryFolder;

Tensor generated_image(int64_t height, int64_t width, int64_t variant) {
  const Tensor image = Tensor::empty<uint8_t>({height, width, 3}, "test");
  for (int64_t i = 0; i < image.size(); ++i) {
    const double x = static_cast<double>(i / 3 % width), y = static_cast<double>(i / 3 / width);
    const double wave = std::sin(0.2 * x + 0.05 * y * static_cast<double>(variant + 1) + static_cast<double>(i % 3));
    image.data<uint8_t>()[i] = static_cast<uint8_t>(128 + 100 * wave);
  }
  return image;
}

FeatureRecipe small_recipe() {
  FeatureRecipe recipe = default_feature_recipe();
  recipe.patches.levels = {"block4"};
  recipe.input_size.image_size = 32;
  return recipe;
}

// The features of a few generated images.
class Generated : public models::FeatureSource {
 public:
  Generated() : features_(make_patch_features(small_recipe()).value()) {}
  int64_t num_images() const override { return 3; }
  int64_t feature_width() const override { return features_->width(); }
  uint64_t content_key(int64_t image) const override { return static_cast<uint64_t>(image); }
  models::FeatureGrid read(int64_t image) const override { return features_->extract(generated_image(32, 32, image)); }

 private:
  std::unique_ptr<models::PatchFeatures> features_;
};

std::unique_ptr<models::Detector> fitted(const std::string& detector_name, const std::vector<int64_t>& images) {
  std::unique_ptr<models::Detector> detector = models::make_detector(detector_name).value();
  detector->fit(Generated(), images, {});
  return detector;
}

std::unique_ptr<Model> made(const std::string& detector_name) {
  std::unique_ptr<models::Detector> detector;
  if (detector_name.find(kEnsemblePrefix) == 0) {
    const std::string kind = detector_name.substr(sizeof kEnsemblePrefix - 1);
    detector = std::make_unique<models::Ensemble>(
        std::vector<models::Ensemble::Member>{{fitted(kind, {0, 1}), 0.75}, {fitted(kind, {1, 2}), 1.5}});
  } else {
    detector = fitted(detector_name, {0, 1, 2});
  }
  const ScoringRule scoring{2.5, models::ImageScoreRule::from_name("top:0.02").value()};
  const json provenance = {{"version", "0"}, {"seed", 7}};
  return Model::make(small_recipe(), detector_name, std::move(detector), scoring, calibrate({1, 2, 3}, 0.3), provenance)
      .value();
}

std::vector<float> values(const Tensor& t) { return {t.data<float>(), t.data<float>() + t.size()}; }

std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// A model file taken apart, so that a test may damage it.
struct Parts {
  json description;
  std::map<std::string, Tensor> tensors;
};

Parts parts_of(const std::string& path) {
  const io::SafetensorsReader reader = io::SafetensorsReader::open(path).value();
  Parts parts{json::parse(reader.metadata().at("assay")), {}};
  for (const io::SafetensorsEntry& entry : reader.entries()) {
    parts.tensors[entry.name] = reader.read(entry.name, "test").value();
  }
  return parts;
}

void write_text(const std::string& path, const std::string& description, const std::map<std::string, Tensor>& tensors) {
  REQUIRE(io::write_safetensors(path, {tensors.begin(), tensors.end()}, {{"assay", description}}).ok());
}

Parts good_parts(const std::string& detector_name) {
  const TemporaryFolder folder;
  REQUIRE(made(detector_name)->save(folder / "good").ok());
  return parts_of(folder / "good");
}

// Why the file is refused; empty where it is not. Says the file's name, and leaves no exception behind.
std::string refusal(const std::string& path) {
  const Result<std::unique_ptr<Model>> model = Model::load(path);
  if (model.ok()) return "";
  CHECK(model.message().find(path) == 0);
  return model.message().substr(path.size());
}

std::string refusal(const Parts& parts) {
  const TemporaryFolder folder;
  write_text(folder / "model", parts.description.dump(), parts.tensors);
  return refusal(folder / "model");
}

TEST_CASE("a recipe comes back from its description for each use of features, and packs levels for one of them") {
  for (const FeatureUse use : {FeatureUse::kPatches, FeatureUse::kTrained, FeatureUse::kPyramid}) {
    FeatureRecipe recipe = default_feature_recipe();
    recipe.patches = default_patches(recipe.backbone, use);
    CHECK(recipe.patches.packed == (use == FeatureUse::kPyramid));
    const FeatureRecipe again = feature_recipe_from_json(to_json(recipe)).value();
    CHECK(to_json(again) == to_json(recipe));
    CHECK(again.patches.packed == recipe.patches.packed);
    CHECK(again.patches.levels == recipe.patches.levels);
  }
  json description = to_json(default_feature_recipe());
  description["packed"] = 1;
  CHECK_FALSE(feature_recipe_from_json(description).ok());
}

TEST_CASE("reverse distillation's network is as the packed levels are") {
  FeatureRecipe recipe = default_feature_recipe();
  recipe.patches = default_patches(recipe.backbone, FeatureUse::kPyramid);
  const auto features = make_patch_features(recipe).value();
  const models::RdShape shape = rd_shape(*features);
  CHECK(shape.widths == std::vector<int64_t>{24, 40, 112});
  CHECK(shape.block == models::RdShape::Block::kBasic);
  CHECK_FALSE(shape.is_rectified);  // its levels are sums before any ReLU
  CHECK(models::rd_feature_width(shape) == features->width());
}

TEST_CASE("a loaded model is the saved one, and scores bit for bit as it") {
  for (const std::string detector :
       {"patchcore", "softpatch", "padim", "ensemble/patchcore", "ensemble/softpatch", "ensemble/padim"}) {
    CAPTURE(detector);
    const TemporaryFolder folder;
    const std::unique_ptr<Model> model = made(detector);
    REQUIRE(model->save(folder / "model").ok());
    CHECK(folder.num_entries() == 1);
    const std::unique_ptr<Model> loaded = Model::load(folder / "model").value();
    CHECK(loaded->description() == model->description());
    CHECK(loaded->detector_name() == detector);
    CHECK(loaded->provenance() == model->provenance());
    CHECK(loaded->calibration().threshold == model->calibration().threshold);
    CHECK(loaded->scoring().sigma == 2.5);
    for (const auto& [height, width] : {std::pair<int64_t, int64_t>{32, 32}, {96, 41}}) {
      const Tensor image = generated_image(height, width, 8);
      const ScoredImage a = model->score_image(image), b = loaded->score_image(image);
      CHECK(a.score == b.score);
      CHECK(a.anomalous == (a.score > model->calibration().threshold));
      CHECK(a.anomalous == b.anomalous);
      CHECK(a.map.shape() == b.map.shape());
      CHECK(values(a.map) == values(b.map));
    }
    REQUIRE(loaded->save(folder / "again").ok());
    CHECK(slurp(folder / "again") == slurp(folder / "model"));
  }
}

// Each member of the description, as a JSON pointer, and values that it must not have.
const std::vector<std::pair<std::string, std::vector<std::string>>>& wrong_values() {
  static const std::vector<std::pair<std::string, std::vector<std::string>>> wrong = {
      {"/format_version", {"0", "-1", "1.5", "9223372036854775808"}},
      {"/features", {}},
      {"/features/backbone", {"\"\"", "\"resnet\""}},
      {"/features/image_size", {"0", "31", "-32", "4097", "32.5", "1e300", "18446744073709551615"}},
      {"/features/fit", {"\"crop\""}},
      {"/features/levels", {"[1]", "[[]]", "[\"block99\"]", "[\"block4\", \"block4\"]", "[\"block10\"]"}},
      {"/features/neighbourhood", {"0", "2", "17", "-3", "3.0"}},
      {"/features/unit_length", {"1", "\"true\""}},
      {"/detector", {}},
      {"/detector/name",
       {"\"\"", "\"Patchcore\"", "\"padim\"", "\"ensemble/\"", "\"ensemble/ensemble/patchcore\"",
        "\"ensemble/patchcore\""}},
      {"/detector/state", {"{\"space\": 3}"}},
      {"/detector/state/space", {}},
      {"/detector/state/space/reference_share", {"-0.1", "1.1"}},
      {"/detector/state/space/seed", {"-1", "0.5"}},
      {"/scoring", {}},
      {"/scoring/sigma", {"-0.1", "101", "1e300"}},
      {"/scoring/image_score", {"\"\"", "\"top:0\"", "\"top:2\"", "\"top:nan\""}},
      {"/calibration", {}},
      {"/calibration/threshold", {}},
      {"/calibration/false_alarm_rate", {"-0.1", "0", "1", "2"}},
      {"/calibration/guaranteed_rate", {"-0.1", "1.1"}},
      {"/calibration/num_scores", {"0", "-1", "2.5", "18446744073709551615"}},
  };
  return wrong;
}

TEST_CASE("each member of the description is checked for presence, type and range") {
  const Parts good = good_parts("patchcore");
  CHECK(refusal(good).empty());
  for (const auto& [pointer, wrong] : wrong_values()) {
    CAPTURE(pointer);
    const json::json_pointer at(pointer);
    REQUIRE(good.description.contains(at));
    const json::value_t type = good.description.at(at).type();
    Parts missing = good;
    missing.description.at(at.parent_pointer()).erase(at.back());
    CHECK_FALSE(refusal(missing).empty());
    std::vector<std::string> values = wrong;
    for (const char* other : {"null", "true", "[]", "{}", "\"x\"", "[{}]"}) {
      if (json::parse(other).type() != type || type == json::value_t::array) values.push_back(other);
    }
    for (const std::string& value : values) {
      CAPTURE(value);
      Parts damaged = good;
      damaged.description[at] = json::parse(value);
      CHECK_FALSE(refusal(damaged).empty());
    }
  }
  Parts missing = good;
  missing.description.erase("provenance");
  CHECK(refusal(missing) == ": the description has no 'provenance'");
}

TEST_CASE("a description that is no JSON object, or none, is refused") {
  const TemporaryFolder folder;
  const Parts good = good_parts("patchcore");
  const std::string whole = good.description.dump();
  int number = 0;
  for (const std::string& text :
       {std::string(), std::string("null"), std::string("3"), std::string("[]"), std::string("{"), std::string("{}"),
        whole.substr(0, whole.size() / 2), whole + "x", std::string(100000, '[')}) {
    const std::string path = folder / std::to_string(number++);
    write_text(path, text, good.tensors);
    CHECK_FALSE(refusal(path).empty());
  }
  REQUIRE(io::write_safetensors(folder / "bare", {good.tensors.begin(), good.tensors.end()}, {}).ok());
  CHECK(refusal(folder / "bare") == ": not a model of Assay: the metadata has no 'assay'");
}

TEST_CASE("a file of a newer format is refused, saying so") {
  Parts newer = good_parts("patchcore");
  newer.description["format_version"] = 2;
  newer.description["features"] = 5;  // whatever a later format makes of it
  CHECK(refusal(newer) == ": format version 2, this program reads up to 1");
}

TEST_CASE("each tensor's presence and shape are checked") {
  for (const std::string detector : {"patchcore", "softpatch", "padim"}) {
    const Parts good = good_parts(detector);
    CHECK(good.tensors.size() == (detector == "softpatch" ? 4 : 3));
    for (const auto& [name, tensor] : good.tensors) {
      CAPTURE(name);
      Parts damaged = good;
      damaged.tensors.erase(name);
      CHECK_FALSE(refusal(damaged).empty());
      damaged.tensors[name] = tensor.reshape({1, tensor.size()});
      CHECK_FALSE(refusal(damaged).empty());
      damaged.tensors[name] = Tensor::zeros(tensor.shape(), DType::kUInt8, "test");
      CHECK_FALSE(refusal(damaged).empty());
    }
  }
}

TEST_CASE("a detector of other features than the file's is refused") {
  for (const std::string detector : {"patchcore", "softpatch", "padim"}) {
    Parts damaged = good_parts(detector);
    damaged.description["features"]["levels"] = {"block10"};
    CHECK(refusal(damaged).find("features") != std::string::npos);
  }
}

TEST_CASE("a file cut off anywhere, or not there, is refused") {
  const TemporaryFolder folder;
  REQUIRE(made("patchcore")->save(folder / "model").ok());
  const std::string whole = slurp(folder / "model");
  const size_t step = std::max<size_t>(1, whole.size() / 300);
  for (size_t length = 0; length < whole.size(); length += length < 40 ? 1 : step) {
    CAPTURE(length);
    std::ofstream(folder / "cut", std::ios::binary) << whole.substr(0, length);
    CHECK_FALSE(refusal(folder / "cut").empty());
  }
  CHECK_FALSE(refusal(folder / "absent").empty());
  CHECK_FALSE(refusal(folder.path()).empty());
}

TEST_CASE("a model that cannot be written is an error and leaves nothing") {
  const TemporaryFolder folder;
  CHECK_FALSE(made("patchcore")->save(folder / "no such folder/model").ok());
  CHECK(folder.num_entries() == 0);
}

TEST_CASE("provenance may hold bytes that are no text") {
  const TemporaryFolder folder;
  std::unique_ptr<models::Detector> detector = models::make_detector("patchcore").value();
  detector->fit(Generated(), {0, 1, 2}, {});
  const std::unique_ptr<Model> model =
      Model::make(small_recipe(), "patchcore", std::move(detector), {}, calibrate({1}, 0.3), {{"from", "a\xff"}})
          .value();
  REQUIRE(model->save(folder / "model").ok());
  CHECK(Model::load(folder / "model").ok());
}

}  // namespace
}  // namespace assay::pipeline
