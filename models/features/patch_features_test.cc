// SPDX-License-Identifier: Apache-2.0
#include "models/features/patch_features.h"

#include <doctest/doctest.h>

#include <cmath>
#include <utility>

#include "kernels/base/parallel.h"
#include "models/backbones/backbone_list.h"

namespace assay::models {
namespace {

std::vector<float> values(const Tensor& t) { return {t.data<float>(), t.data<float>() + t.size()}; }

Tensor generated_image(int64_t height, int64_t width, int64_t variant = 0) {
  const Tensor image = Tensor::empty<uint8_t>({height, width, 3}, "test");
  for (int64_t i = 0; i < image.size(); ++i) {
    const double x = static_cast<double>(i / 3 % width), y = static_cast<double>(i / 3 / width);
    const double wave = std::sin(0.1 * x + 0.03 * y * static_cast<double>(variant + 1) + static_cast<double>(i % 3));
    image.data<uint8_t>()[i] = static_cast<uint8_t>(128 + 100 * wave);
  }
  return image;
}

PatchFeatures real_features(const PatchFeatureOptions& options) {
  return PatchFeatures(std::shared_ptr<const Backbone>(make_backbone("efficientnet_lite0").value()), options);
}

double length(const float* x, int64_t count) {
  double square = 0;
  for (int64_t i = 0; i < count; ++i) square += double{x[i]} * x[i];
  return std::sqrt(square);
}

TEST_CASE("rows of the real backbone have the level's grid and channels, and length one") {
  const PatchFeatures features = real_features({{"block10"}});
  const FeatureGrid grid = features.extract(generated_image(96, 64));
  const BackboneLevel& level = features.backbone().levels()[features.backbone().level_index("block10")];
  CHECK(grid.height == 96 / level.stride);
  CHECK(grid.width == 64 / level.stride);
  CHECK(grid.image_height == 96);
  CHECK(grid.image_width == 64);
  CHECK(features.width() == level.channels);
  REQUIRE(grid.rows.shape() == Shape{grid.height * grid.width, features.width()});
  for (int64_t p = 0; p < grid.rows.dim(0); ++p) {
    CHECK(length(grid.rows.data<float>() + p * features.width(), features.width()) == doctest::Approx(1).epsilon(1e-6));
  }
}

TEST_CASE("levels of another stride come onto the grid of the first, each of length one by itself") {
  const PatchFeatures one = real_features({{"block4"}});
  const PatchFeatures both = real_features({{"block4", "block10"}});
  const Tensor image = generated_image(64, 96);
  const FeatureGrid fine = one.extract(image), grid = both.extract(image);
  CHECK(grid.height == fine.height);
  CHECK(grid.width == fine.width);
  REQUIRE(both.width() > one.width());
  for (int64_t p = 0; p < grid.rows.dim(0); ++p) {
    const float* row = grid.rows.data<float>() + p * both.width();
    CHECK(std::equal(row, row + one.width(), fine.rows.data<float>() + p * one.width()));
    CHECK(length(row + one.width(), both.width() - one.width()) == doctest::Approx(1).epsilon(1e-6));
  }
  // The other way round the grid is the coarse one.
  const FeatureGrid coarse = real_features({{"block10", "block4"}}).extract(image);
  CHECK(coarse.height < grid.height);
  CHECK(coarse.rows.dim(1) == both.width());
}

TEST_CASE("levels that cannot be had are refused when the extractor is made") {
  CHECK_THROWS_AS(real_features({{}}), Error);
  CHECK_THROWS_AS(real_features({{"block99"}}), Error);
  CHECK_THROWS_AS(real_features({{"block4", "block10", "block4"}}), Error);
}

TEST_CASE("a failed call leaves the extractor usable") {
  const PatchFeatures features = real_features({{"block4"}});
  const Tensor image = generated_image(32, 32);
  const std::vector<float> before = values(features.extract(image).rows);
  CHECK_THROWS_AS(features.extract(Tensor::zeros<uint8_t>({8, 8, 3}, "test")), Error);
  CHECK_THROWS_AS(features.extract(Tensor::zeros<float>({32, 32, 3}, "test")), Error);
  CHECK(values(features.extract(image).rows) == before);
}

TEST_CASE("calls at once give the bits of calls one after the other") {
  const PatchFeatures features = real_features({{"block4", "block10"}});
  std::vector<Tensor> images;
  std::vector<std::vector<float>> expected;
  for (int64_t i = 0; i < 6; ++i) {
    images.push_back(generated_image(32 * (1 + i % 3), 64, i));
    expected.push_back(values(real_features({{"block4", "block10"}}).extract(images.back()).rows));
  }
  const int threads = num_threads();
  set_num_threads(4);
  std::vector<std::vector<float>> found(18);
  parallel_for(18, 1, [&](int64_t i, int64_t) { found[i] = values(features.extract(images[i % 6]).rows); });
  set_num_threads(threads);
  for (size_t i = 0; i < found.size(); ++i) CHECK(found[i] == expected[i % 6]);
}

// A backbone whose maps are given: what PatchFeatures does with them is then known exactly.
class GivenMaps : public Backbone {
 public:
  explicit GivenMaps(std::vector<FeatureMap> maps) : maps_(std::move(maps)) {
    for (size_t i = 0; i < maps_.size(); ++i) {
      levels_.push_back({std::string(1, static_cast<char>('a' + i)), 8, maps_[i].rows.dim(1)});
    }
  }
  void name_levels(const std::vector<BackboneLevel>& levels) { levels_ = levels; }
  const std::string& name() const override { return name_; }
  Device device() const override { return Device::cpu(); }
  const std::vector<BackboneLevel>& levels() const override { return levels_; }
  std::unique_ptr<BackboneWorkspace> make_workspace() const override { return std::make_unique<BackboneWorkspace>(); }
  int64_t num_prefix_tokens() const override { return maps_[0].prefix.size() > 0 ? maps_[0].prefix.dim(0) : 0; }
  std::vector<FeatureMap> forward(const Tensor&, const std::vector<std::string>& levels,
                                  BackboneWorkspace&) const override {
    std::vector<FeatureMap> maps;
    for (const std::string& level : levels) maps.push_back(maps_[level_index(level)]);
    return maps;
  }

 private:
  std::string name_ = "given";
  std::vector<FeatureMap> maps_;
  std::vector<BackboneLevel> levels_;
};

FeatureMap map_of(int64_t height, int64_t width, const std::vector<float>& rows) {
  FeatureMap map{Tensor::empty<float>({height * width, static_cast<int64_t>(rows.size()) / (height * width)}, "test"),
                 height, width};
  std::copy(rows.begin(), rows.end(), map.rows.data<float>());
  return map;
}

std::vector<float> extracted(const std::vector<FeatureMap>& maps, PatchFeatureOptions options) {
  for (size_t i = 0; i < maps.size(); ++i) options.levels.push_back(std::string(1, static_cast<char>('a' + i)));
  const PatchFeatures features(std::make_shared<GivenMaps>(maps), options);
  return values(features.extract(Tensor::zeros<uint8_t>({32, 32, 3}, "test")).rows);
}

PatchFeatureOptions plain(bool unit_length) { return {{}, 1, unit_length}; }

TEST_CASE("each level's part of a row is scaled to length one, a row of zeros is left") {
  const std::vector<float> rows =
      extracted({map_of(1, 3, {3, 4, 0, 0, -5, 12}), map_of(1, 3, {2, 0, -7})}, plain(true));
  const std::vector<float> expected = {0.6f, 0.8f, 1, 0, 0, 0, -5 / 13.0f, 12 / 13.0f, -1};
  REQUIRE(rows.size() == expected.size());
  for (size_t i = 0; i < rows.size(); ++i) CHECK(rows[i] == doctest::Approx(expected[i]).epsilon(1e-6));
  CHECK(extracted({map_of(1, 3, {3, 4, 0, 0, -5, 12})}, plain(false)) == std::vector<float>{3, 4, 0, 0, -5, 12});
}

TEST_CASE("brightness, a factor on all channels of a level, does not change rows of length one") {
  const std::vector<float> dark = {3, 4, 0.5f, 0.25f, -5, 12, 1, 1};
  for (const float factor : {0.25f, 4.0f, 1e-30f, 1e-42f, 1e30f}) {
    CAPTURE(factor);
    std::vector<float> bright = dark;
    for (float& v : bright) v *= factor;
    const std::vector<float> a = extracted({map_of(2, 2, dark)}, plain(true));
    const std::vector<float> b = extracted({map_of(2, 2, bright)}, plain(true));
    // At 1e-42 numbers have about nine binary digits left.
    for (size_t i = 0; i < a.size(); ++i) CHECK(std::abs(a[i] - b[i]) <= (factor < 1e-38f ? 1e-2f : 1e-6f));
  }
}

TEST_CASE("a neighbourhood averages each level before its rows are scaled") {
  const std::vector<float> rows = extracted({map_of(1, 3, {3, 0, 6, 3, 0, 3})}, {{}, 3, false});
  const std::vector<float> expected = {4.5f, 1.5f, 3, 2, 3, 3};  // over the cells that are there
  REQUIRE(rows.size() == expected.size());
  for (size_t i = 0; i < rows.size(); ++i) CHECK(rows[i] == doctest::Approx(expected[i]));
}

FeatureGrid extracted_parts(const std::vector<FeatureMap>& maps, const PatchFeatureOptions& options) {
  const PatchFeatures features(std::make_shared<GivenMaps>(maps), options);
  return features.extract(Tensor::zeros<uint8_t>({32, 32, 3}, "test"));
}

TEST_CASE("a part of several levels is their mean, and parts stand side by side") {
  const std::vector<FeatureMap> maps = {map_of(1, 2, {1, 2, 3, 4}), map_of(1, 2, {5, 6, 9, 0}),
                                        map_of(1, 2, {0, 0, 0, 8}), map_of(1, 2, {7, 7, 7, 7})};
  const FeatureGrid grid = extracted_parts(maps, {{"a+c+b", "d"}, 1, false});
  CHECK(values(grid.rows) == std::vector<float>{2, 8 / 3.0f, 7, 7, 4, 4, 7, 7});
  CHECK_FALSE(has_prefix(grid));
  // The mean has length one, not each level of it.
  const std::vector<float> unit = values(extracted_parts(maps, {{"a+b"}, 1, true}).rows);
  const std::vector<float> expected = {0.6f, 0.8f, 0.9486833f, 0.3162278f};  // of (3, 4) and (6, 2)
  for (size_t i = 0; i < expected.size(); ++i) CHECK(unit[i] == doctest::Approx(expected[i]).epsilon(1e-6));
  const auto made = [&](const std::vector<FeatureMap>& of, const PatchFeatureOptions& options) {
    return PatchFeatures(std::make_shared<GivenMaps>(of), options);
  };
  CHECK(made(maps, {{"a+b", "d"}}).has_parts_of_one_width());
  CHECK(made(maps, {{"a+b", "d"}}).num_parts() == 2);
  CHECK(made(maps, {{"a+b", "d"}}).width() == 4);
  CHECK_THROWS_WITH(made(maps, {{"a+b", "b"}}), "patch features: a backbone level is named twice");
  CHECK_THROWS_WITH(made(maps, {{""}}), "patch features: no backbone level is named");
  CHECK_THROWS_AS(made(maps, {{"a++b"}}), Error);
  const std::vector<FeatureMap> uneven = {maps[0], map_of(1, 2, {1, 2})};
  CHECK_FALSE(made(uneven, {{"a", "b"}}).has_parts_of_one_width());
  CHECK_THROWS_WITH(made(uneven, {{"a+b"}}),
                    "patch features: levels a and b differ in grid or width, so they have no mean");
}

TEST_CASE("packed parts keep their grids: a row holds all finer cells within its own") {
  FeatureMap fine = map_of(2, 4, {0, 1, 2, 3, 4, 5, 6, 7}), coarse = map_of(1, 2, {10, 11, 20, 21});
  PatchFeatureOptions options = {{"fine", "coarse"}, 1, false};
  options.packed = true;
  const auto backbone = std::make_shared<GivenMaps>(std::vector<FeatureMap>{fine, coarse});
  backbone->name_levels({{"fine", 16, 1}, {"coarse", 32, 2}});
  const PatchFeatures features(backbone, options);
  CHECK(features.width() == 6);
  CHECK(features.stride() == 32);
  CHECK(features.part_widths() == std::vector<int64_t>{1, 2});
  const FeatureGrid grid = features.extract(Tensor::zeros<uint8_t>({32, 64, 3}, "test"));
  CHECK((grid.height == 1 && grid.width == 2));
  CHECK(values(grid.rows) == std::vector<float>{0, 1, 4, 5, 10, 11, 2, 3, 6, 7, 20, 21});
  // Each finer cell has length one by itself.
  options.unit_length = true;
  const FeatureGrid unit = PatchFeatures(backbone, options).extract(Tensor::zeros<uint8_t>({32, 64, 3}, "test"));
  for (const size_t i : {1, 2, 3, 6, 7, 8, 9}) CHECK(values(unit.rows)[i] == 1);
  CHECK(values(unit.rows)[0] == 0);
  options.levels = {"coarse", "fine"};
  CHECK_THROWS_WITH(PatchFeatures(backbone, options),
                    "patch features: coarse has stride 32, fine 16: to be packed, each part must have half the stride "
                    "of the next");
}

TEST_CASE("packed parts of the real backbone hold what each level has by itself") {
  PatchFeatureOptions options = {{"block2", "block4", "block10"}, 1, false};
  options.packed = true;
  const PatchFeatures packed = real_features(options);
  const Tensor image = generated_image(64, 96);
  const FeatureGrid grid = packed.extract(image);
  CHECK((grid.height == 4 && grid.width == 6));
  CHECK(packed.width() == 16 * 24 + 4 * 40 + 112);
  const FeatureGrid fine = real_features({{"block2"}, 1, false}).extract(image);
  const std::vector<float> rows = values(grid.rows), cells = values(fine.rows);
  for (int64_t y = 0; y < 16; ++y) {
    for (int64_t x = 0; x < 24; ++x) {
      const int64_t row = y / 4 * 6 + x / 4, within = y % 4 * 4 + x % 4;
      for (int64_t c = 0; c < 24; ++c) {
        CHECK(rows[row * packed.width() + within * 24 + c] == cells[(y * 24 + x) * 24 + c]);
      }
    }
  }
}

TEST_CASE("tokens beside the cells are averaged and scaled as the cells are, but over no neighbourhood") {
  std::vector<FeatureMap> maps = {map_of(1, 3, {3, 0, 6, 3, 0, 3}), map_of(1, 3, {3, 0, 6, 3, 0, 3})};
  maps[0].prefix = map_of(2, 1, {3, 4, 0, 2}).rows;
  maps[1].prefix = map_of(2, 1, {3, 4, 6, 6}).rows;
  const FeatureGrid grid = extracted_parts(maps, {{"a+b"}, 3, true, true});
  REQUIRE(grid.prefix.shape() == Shape{2, 2});
  const std::vector<float> prefix = values(grid.prefix), expected = {0.6f, 0.8f, 0.6f, 0.8f};
  for (size_t i = 0; i < expected.size(); ++i) CHECK(prefix[i] == doctest::Approx(expected[i]).epsilon(1e-6));
  CHECK(grid.rows.shape() == Shape{3, 2});
  CHECK_FALSE(has_prefix(extracted_parts(maps, {{"a+b"}, 3, true})));
  CHECK_THROWS_WITH(extracted_parts({map_of(1, 1, {1})}, {{"a"}, 1, true, true}),
                    "patch features: backbone given has no tokens beside its cells");
}

}  // namespace
}  // namespace assay::models
