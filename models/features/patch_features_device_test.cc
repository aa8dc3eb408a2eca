// SPDX-License-Identifier: Apache-2.0
// The real backbone and its patch features on the device under test against the CPU.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

#include "models/backbones/backbone_list.h"
#include "models/features/patch_features.h"
#include "tests/support/test_device.h"

namespace assay::models {
namespace {

using testing::values_of;

// Smooth waves with a little noise; some other picture for each variant.
Tensor generated_image(int64_t height, int64_t width, int64_t variant) {
  const Tensor image = Tensor::empty<uint8_t>({height, width, 3}, "test");
  for (int64_t i = 0; i < image.size(); ++i) {
    const double x = static_cast<double>(i / 3 % width), y = static_cast<double>(i / 3 / width);
    const double wave = std::sin(0.21 * x + 0.07 * y * static_cast<double>(variant + 1) + static_cast<double>(i % 3));
    image.data<uint8_t>()[i] = static_cast<uint8_t>(128 + 100 * wave + static_cast<double>(i * 7919 % 13));
  }
  return image;
}

PatchFeatures features_on(Device device, const PatchFeatureOptions& options) {
  return PatchFeatures(std::shared_ptr<const Backbone>(make_backbone("efficientnet_lite0", device).value()), options);
}

// Rows of length one (or of the backbone's scale) after some thirty layers in float32: relative to the row's length.
void check_close(const FeatureGrid& found, const FeatureGrid& expected) {
  CHECK(found.height == expected.height);
  CHECK(found.width == expected.width);
  CHECK(found.image_height == expected.image_height);
  CHECK(found.image_width == expected.image_width);
  const std::vector<float> x = values_of<float>(found.rows), y = values_of<float>(expected.rows);
  REQUIRE(x.size() == y.size());
  const size_t width = static_cast<size_t>(expected.rows.dim(1));
  int64_t wrong = 0;
  for (size_t row = 0; row < y.size(); row += width) {
    double square = 0;
    for (size_t c = 0; c < width; ++c) square += static_cast<double>(y[row + c]) * y[row + c];
    for (size_t c = 0; c < width; ++c) wrong += !(std::fabs(x[row + c] - y[row + c]) <= 1e-4 * std::sqrt(square));
  }
  CHECK(wrong == 0);
}

TEST_CASE("patch features agree with the CPU's, of one level and of two, with and without length one") {
  const std::vector<PatchFeatureOptions> all = {
      {{"block10"}}, {{"block4", "block10"}}, {{"block4", "block7"}, 1, false}};
  for (const PatchFeatureOptions& options : all) {
    const PatchFeatures here = features_on(testing::test_device(), options);
    CHECK(here.device() == testing::test_device());
    const Tensor image = generated_image(64, 48, 0);
    const FeatureGrid grid = here.extract(image);
    CHECK(grid.rows.device() == testing::test_device());
    check_close(grid, features_on(Device::cpu(), options).extract(image));
  }
}

TEST_CASE("an image of a batch has the features that it has alone") {
  const PatchFeatures features = features_on(testing::test_device(), {{"block4", "block10"}});
  const Tensor images = Tensor::empty<uint8_t>({3, 32, 40, 3}, "test");
  for (int64_t b = 0; b < 3; ++b) {
    const Tensor image = generated_image(32, 40, b);
    std::memcpy(images.rows(b, b + 1).raw(), image.raw(), image.bytes());
  }
  const FeatureGrid batch = features.extract(images);
  CHECK(batch.batch == 3);
  const int64_t cells = batch.height * batch.width;
  REQUIRE(batch.rows.shape() == Shape{3 * cells, features.width()});
  const Tensor rows = testing::on_host(batch.rows);
  for (int64_t b = 0; b < 3; ++b) {
    FeatureGrid one = batch;
    one.rows = rows.rows(b * cells, (b + 1) * cells);
    check_close(one, features.extract(generated_image(32, 40, b)));
  }
}

}  // namespace
}  // namespace assay::models
