// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <vector>

#include "pipeline/heatmap/colour_map.h"
#include "pipeline/heatmap/overlay.h"

namespace assay::heatmap {
namespace {

Tensor map_of(const Shape& shape, const std::vector<float>& values) {
  Tensor map = Tensor::empty<float>(shape, "test");
  for (int64_t i = 0; i < map.size(); ++i) map.data<float>()[i] = values[i % values.size()];
  return map;
}

Tensor image_of(int64_t height, int64_t width, uint8_t level) {
  Tensor image = Tensor::empty<uint8_t>({height, width, 3}, "test");
  for (int64_t i = 0; i < image.size(); ++i) image.data<uint8_t>()[i] = level;
  return image;
}

bool same(const Colour& a, const Colour& b) { return a.red == b.red && a.green == b.green && a.blue == b.blue; }

Colour pixel(const Tensor& picture, int64_t y, int64_t x) {
  const uint8_t* p = picture.data<uint8_t>() + (y * picture.dim(1) + x) * 3;
  return {p[0], p[1], p[2]};
}

bool is_grey(const Colour& c) { return c.red == c.green && c.green == c.blue; }
bool is_contour(const Colour& c) { return c.red < 120 && c.green > 200 && c.blue > 200; }

// CIE 1976 lightness of an sRGB colour.
double lightness(const Colour& c) {
  const auto linear = [](uint8_t v) {
    const double x = v / 255.0;
    return x <= 0.04045 ? x / 12.92 : std::pow((x + 0.055) / 1.055, 2.4);
  };
  const double y = 0.2126 * linear(c.red) + 0.7152 * linear(c.green) + 0.0722 * linear(c.blue);
  return y > 0.008856 ? 116 * std::cbrt(y) - 16 : 903.3 * y;
}

TEST_CASE("the threshold sits at the middle of the scale, whatever the image's range") {
  CHECK(scale_position(3, 3) == 0.5f);
  CHECK(scale_position(0, 3) == 0);
  CHECK(scale_position(-1, 3) == 0);
  CHECK(scale_position(6, 3) == 1);
  CHECK(scale_position(1e30f, 3) == 1);
  CHECK(scale_position(std::numeric_limits<float>::infinity(), 3) == 1);
  CHECK(scale_position(std::numeric_limits<float>::quiet_NaN(), 3) == 1);
  CHECK(scale_position(3e38f, 3e38f) == 0.5f);
}

TEST_CASE("lightness rises along the colours in even steps") {
  for (int i = 0; i < 64; ++i) {
    const double step = lightness(colour_at((i + 1) / 64.0f)) - lightness(colour_at(i / 64.0f));
    CAPTURE(i);
    CHECK(step > 0.4);
    CHECK(step < 2.5);  // 91 / 64 on average
  }
  CHECK(same(colour_at(-1), colour_at(0)));
  CHECK(same(colour_at(2), colour_at(1)));
}

TEST_CASE("a calm image stays grey under a map of two fifths of the threshold") {
  const Tensor picture = render_overlay(image_of(9, 7, 200), map_of({3, 2}, {0.39f, 0.1f, 0}), 1);
  CHECK(picture.shape() == Shape{9, 7, 3});
  for (int64_t y = 0; y < 9; ++y) {
    for (int64_t x = 0; x < 7; ++x) CHECK(same(pixel(picture, y, x), {160, 160, 160}));
  }
}

TEST_CASE("colours do not depend on the rest of the map") {
  const Tensor calm = map_of({1, 4}, {0.8f, 0, 0, 0}), wild = map_of({1, 4}, {0.8f, 0, 0, 50});
  CHECK(same(pixel(render_map(calm, 1, 1, 4), 0, 0), pixel(render_map(wild, 1, 1, 4), 0, 0)));
  const Tensor image = image_of(1, 4, 90);
  CHECK(same(pixel(render_overlay(image, calm, 1), 0, 0), pixel(render_overlay(image, wild, 1), 0, 0)));
}

TEST_CASE("a line runs along the inner border of what exceeds the threshold") {
  Tensor map = map_of({12, 12}, {0});
  for (int64_t y = 4; y < 9; ++y) {
    for (int64_t x = 4; x < 9; ++x) map.data<float>()[y * 12 + x] = 5;
  }
  const Tensor picture = render_overlay(image_of(12, 12, 100), map, 1);
  for (int64_t y = 0; y < 12; ++y) {
    for (int64_t x = 0; x < 12; ++x) {
      const int64_t out = std::max(std::abs(y - 6), std::abs(x - 6));
      CHECK(is_contour(pixel(picture, y, x)) == (out == 2));
      if (out > 2) CHECK(is_grey(pixel(picture, y, x)));
      if (out < 2) CHECK(pixel(picture, y, x).red > 200);
    }
  }
}

TEST_CASE("an image that exceeds the threshold everywhere has no line, and large images a wider one") {
  const Tensor full = render_overlay(image_of(6, 6, 100), map_of({1, 1}, {9}), 1);
  for (int64_t i = 0; i < 36; ++i) CHECK(!is_contour(pixel(full, i / 6, i % 6)));
  const Tensor halves = map_of({1, 2}, {0, 9});
  const Tensor large = render_overlay(image_of(1024, 1024, 100), halves, 1);
  int64_t width = 0;
  for (int64_t x = 0; x < 1024; ++x) width += is_contour(pixel(large, 500, x)) ? 1 : 0;
  CHECK(width == 4);
}

TEST_CASE("mask_above marks what exceeds the threshold, at the image's size") {
  const Tensor mask = mask_above(map_of({1, 3}, {1, 1.5f, std::numeric_limits<float>::quiet_NaN()}), 1, 1, 3);
  CHECK(mask.shape() == Shape{1, 3});
  CHECK(mask.data<uint8_t>()[0] == 0);  // at the threshold is not above it
  CHECK(mask.data<uint8_t>()[1] == 255);
  CHECK(mask.data<uint8_t>()[2] == 255);
  CHECK(mask_above(map_of({2, 2}, {3}), 1, 31, 17).shape() == Shape{31, 17});
}

TEST_CASE("other shapes, dtypes and thresholds are refused by name") {
  const Tensor map = map_of({2, 2}, {0}), image = image_of(4, 4, 0);
  CHECK_THROWS_WITH(render_overlay(map, map, 1), "render_overlay: image has shape (2, 2), expected (H, W, 3) of uint8");
  CHECK_THROWS_WITH(render_overlay(image, map_of({4}, {0}), 1),
                    "render_overlay: map has shape (4), expected (h, w) of float32, not empty");
  CHECK_THROWS_AS(render_overlay(image, map_of({0, 4}, {0}), 1), Error);
  CHECK_THROWS_WITH(render_map(map, 0, 4, 4), "render_map: threshold 0, expected a finite number above 0");
  CHECK_THROWS_AS(mask_above(map, std::numeric_limits<float>::quiet_NaN(), 4, 4), Error);
  CHECK_THROWS_AS(mask_above(map, std::numeric_limits<float>::infinity(), 4, 4), Error);
  CHECK_THROWS_AS(mask_above(map, 1, -1, 4), Error);
}

}  // namespace
}  // namespace assay::heatmap
