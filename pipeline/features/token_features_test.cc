// SPDX-License-Identifier: Apache-2.0
// Features of a transformer as trained detectors want them: means of layers, with tokens beside the cells, not of
// length one. How they are kept, and what that does to a detector.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/io/safetensors.h"
#include "kernels/base/parallel.h"
#include "models/backbones/vit.h"
#include "models/detectors/dinomaly.h"
#include "pipeline/features/image_features.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_device.h"
#include "tests/support/tiny_images.h"

namespace assay::pipeline {
namespace {

using models::FeatureGrid;
using models::has_prefix;
using testing::test_device;
using testing::values_of;

constexpr int64_t kImages = 6, kPatch = 6, kPrefix = 5;

// tests/golden/vit on the device: 16 channels, three blocks.
std::unique_ptr<models::PatchFeatures> extractor() {
  const io::SafetensorsReader reader =
      std::move(io::SafetensorsReader::open("tests/golden/vit/weights.safetensors")).value();
  models::NamedTensors weights;
  for (const auto& entry : reader.entries()) weights.push_back({entry.name, reader.read(entry.name, "test").value()});
  const models::VitShape shape = {16, 3, 2, kPatch, 5};
  std::shared_ptr<const models::Backbone> vit = models::make_vit("small", shape, weights, test_device()).value();
  return std::make_unique<models::PatchFeatures>(
      std::move(vit), models::PatchFeatureOptions{{"layer0+layer1", "layer2"}, 1, false, true});
}

struct Computed {
  testing::TemporaryFolder folder;
  std::unique_ptr<models::PatchFeatures> direct = extractor();
  FeatureOptions options;
  std::unique_ptr<ImageFeatures> features;

  Computed() {
    std::vector<ImageFile> files;
    for (int64_t i = 0; i < kImages; ++i) {
      files.push_back({std::to_string(i), folder / (std::to_string(i) + ".png")});
      testing::write_tiny_image(files.back().path, testing::tiny_image(static_cast<uint32_t>(i), false));
    }
    options.input_size.image_size = 48;
    options.input_size.multiple = kPatch;
    options.spill_folder = folder.path();
    options.batch = 4;
    Progress progress;
    Extractors extractors;
    extractors.push_back(extractor());
    features = std::move(
        ImageFeatures::compute(hash_files(files, &progress).value().images, extractors, options, &progress).value());
  }
  FeatureGrid extract(int64_t image) const {
    return direct->extract(load_input(features->image(image).path, options.input_size).value());
  }
};

// Rounded to eight binary digits, and a GPU's batch rounds otherwise than its single image.
void check_near(const Tensor& found, const Tensor& expected) {
  REQUIRE(found.shape() == expected.shape());
  const std::vector<float> x = values_of<float>(found), y = values_of<float>(expected);
  int64_t wrong = 0;
  for (size_t i = 0; i < y.size(); ++i) wrong += !(std::fabs(x[i] - y[i]) <= 0x1p-8 * std::fabs(y[i]) + 1e-5);
  CHECK(wrong == 0);
}

TEST_CASE("tokens beside the cells are kept with them, in two bytes a number") {
  const Computed c;
  REQUIRE(c.features->num_images() == kImages);
  CHECK(c.features->feature_width() == 32);
  for (int64_t i = 0; i < kImages; ++i) {
    const FeatureGrid grid = c.features->read(i), expected = c.extract(i);
    CHECK(is_same_size(grid, expected));
    REQUIRE(has_prefix(grid));
    CHECK(grid.prefix.shape() == Shape{kPrefix, 32});
    check_near(grid.rows, expected.rows);
    check_near(grid.prefix, expected.prefix);
    CHECK_FALSE(has_prefix(c.features->shape(i)));
  }
  const int64_t cells = 8 * 8;
  CHECK(c.features->store().bytes_in_memory() == kImages * (kPrefix + cells) * 32 * 2);
}

TEST_CASE("a batch holds each image's tokens and cells, bit for bit") {
  const Computed c;
  const FeatureGrid batch = c.features->read_batch({4, 0, 5}, test_device());
  CHECK(batch.batch == 3);
  CHECK(batch.rows.device() == test_device());
  CHECK(batch.prefix.device() == test_device());
  std::vector<float> rows, prefix;
  for (const int64_t i : {4, 0, 5}) {
    const FeatureGrid grid = c.features->read(i);
    for (const float v : values_of<float>(grid.rows)) rows.push_back(v);
    for (const float v : values_of<float>(grid.prefix)) prefix.push_back(v);
  }
  CHECK(values_of<float>(batch.rows) == rows);
  CHECK(values_of<float>(batch.prefix) == prefix);
}

TEST_CASE("tokens and cells come back from a cache bit for bit, on the device's path too") {
  const Computed c;
  FeatureOptions options = c.options;
  const auto cache = FeatureCache::open(c.folder / "cache", {{"backbone", "small"}}, test_device()).value();
  options.cache = cache.get();
  std::vector<ImageContent> images;
  for (int64_t i = 0; i < kImages; ++i) images.push_back(c.features->image(i));
  for (int round = 0; round < 2; ++round) {
    Progress progress;
    Extractors extractors;
    extractors.push_back(extractor());
    const auto features = ImageFeatures::compute(images, extractors, options, &progress).value();
    CHECK(cache->num_found() == round * kImages);
    CHECK(cache->trouble() == "");
    REQUIRE(features->num_images() == kImages);
    for (int64_t i = 0; i < kImages; ++i) {
      CHECK(values_of<float>(features->read(i).rows) == values_of<float>(c.features->read(i).rows));
      CHECK(values_of<float>(features->read(i).prefix) == values_of<float>(c.features->read(i).prefix));
    }
  }
}

// The same images in float32.
class Unrounded : public models::FeatureSource {
 public:
  explicit Unrounded(const Computed& c) : features_(*c.features) {
    for (int64_t i = 0; i < kImages; ++i) {
      FeatureGrid grid = c.extract(i);
      grid.rows = testing::on_host(grid.rows);
      grid.prefix = testing::on_host(grid.prefix);
      grids_.push_back(std::move(grid));
    }
  }
  int64_t num_images() const override { return kImages; }
  int64_t feature_width() const override { return features_.feature_width(); }
  FeatureGrid read(int64_t image) const override { return grids_.at(static_cast<size_t>(image)); }
  uint64_t content_key(int64_t image) const override { return features_.content_key(image); }

 private:
  const ImageFeatures& features_;
  std::vector<FeatureGrid> grids_;
};

TEST_CASE("a detector trained on kept features scores as one trained on what was not rounded") {
  const Computed c;
  const Unrounded unrounded(c);
  models::DinomalyOptions o;
  o.iterations = 12;
  o.batch = 3;
  o.blocks = 2;
  o.groups = 2;
  const int threads = num_threads();
  std::vector<std::vector<float>> scores;
  for (const models::FeatureSource* source : {static_cast<const models::FeatureSource*>(c.features.get()),
                                              static_cast<const models::FeatureSource*>(&unrounded)}) {
    models::Dinomaly detector(o, test_device());
    set_num_threads(1);  // the same bits; with so little to do, a second one is only waited for on a busy machine
    detector.fit(*source, {0, 1, 2, 3, 4}, {models::Schedule::kFinal, 3, {}});
    scores.push_back(values_of<float>(detector.score(unrounded.read(5))));  // images to be scored are never rounded
  }
  set_num_threads(threads);
  double off = 0, size = 0;
  for (size_t i = 0; i < scores[0].size(); ++i) {
    off = std::fmax(off, std::fabs(scores[0][i] - scores[1][i]));
    size = std::fmax(size, scores[1][i]);
  }
  MESSAGE("scores up to " << size << " differ by at most " << off);
  CHECK(size > 0);
  CHECK(off <= 0.01 * size);
}

}  // namespace
}  // namespace assay::pipeline
