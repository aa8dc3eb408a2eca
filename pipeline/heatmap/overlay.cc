// SPDX-License-Identifier: Apache-2.0
#include "pipeline/heatmap/overlay.h"

#include <algorithm>
#include <cmath>

#include "engine/ops/resize_bilinear.h"
#include "kernels/base/check.h"
#include "pipeline/heatmap/colour_map.h"

namespace assay::heatmap {
namespace {

constexpr float kCoverFrom = 0.2f, kCoverTo = 0.8f;  // scale positions: 0.4 and 1.6 thresholds
constexpr float kMostCover = 0.85f;                  // what lies beneath stays recognisable
constexpr float kGreyLevel = 0.8f;                   // the image steps back behind the colours
constexpr Colour kContour = {90, 240, 255};          // neither on the scale nor grey

Tensor resized(const char* caller, const Tensor& map, float threshold, int64_t height, int64_t width) {
  ASSAY_CHECK(map.rank() == 2 && map.dtype() == DType::kFloat32 && map.size() > 0, caller, ": map has shape ",
              to_string(map.shape()), ", expected (h, w) of float32, not empty");
  ASSAY_CHECK(threshold > 0 && std::isfinite(threshold), caller, ": threshold ", threshold,
              ", expected a finite number above 0");
  return ops::resize_bilinear(map, height, width);
}

// 255 where `values` exceed the threshold or are NaN.
Tensor mask_of(const Tensor& values, float threshold) {
  Tensor mask = Tensor::empty<uint8_t>(values.shape(), "heatmaps");
  const float* from = values.data<float>();
  uint8_t* to = mask.data<uint8_t>();
  for (int64_t i = 0; i < values.size(); ++i) to[i] = from[i] <= threshold ? 0 : 255;
  return mask;
}

// Clears what touches an unmarked pixel above, below, left or right; the image's own border does not count.
Tensor eroded(const Tensor& mask) {
  const int64_t height = mask.dim(0), width = mask.dim(1);
  Tensor inner = Tensor::empty<uint8_t>(mask.shape(), "heatmaps");
  const uint8_t* from = mask.data<uint8_t>();
  uint8_t* to = inner.data<uint8_t>();
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      const int64_t i = y * width + x;
      const bool stays = from[i] != 0 && (y == 0 || from[i - width] != 0) &&
                         (y == height - 1 || from[i + width] != 0) && (x == 0 || from[i - 1] != 0) &&
                         (x == width - 1 || from[i + 1] != 0);
      to[i] = stays ? 255 : 0;
    }
  }
  return inner;
}

// One pixel at 256 and below, four at 1024 and above, so that the line stays visible where large images are scaled
// down for display.
int64_t contour_width(int64_t height, int64_t width) {
  return std::clamp<int64_t>(std::min(height, width) / 256, 1, 4);
}

void put(const Colour& colour, uint8_t* rgb) {
  rgb[0] = colour.red;
  rgb[1] = colour.green;
  rgb[2] = colour.blue;
}

// One pixel of the image in grey, under the colour of its scale position.
Colour covered(const uint8_t* rgb, float position) {
  const float grey = kGreyLevel * (0.299f * rgb[0] + 0.587f * rgb[1] + 0.114f * rgb[2]);
  const float rise = std::clamp((position - kCoverFrom) / (kCoverTo - kCoverFrom), 0.0f, 1.0f);
  const float cover = kMostCover * rise * rise * (3 - 2 * rise);
  const auto mixed = [&](uint8_t channel) {
    return static_cast<uint8_t>(std::lround(grey + cover * (static_cast<float>(channel) - grey)));
  };
  const Colour colour = colour_at(position);
  return {mixed(colour.red), mixed(colour.green), mixed(colour.blue)};
}

}  // namespace

Tensor render_map(const Tensor& map, float threshold, int64_t height, int64_t width) {
  const Tensor values = resized("render_map", map, threshold, height, width);
  Tensor picture = Tensor::empty<uint8_t>({height, width, 3}, "heatmaps");
  for (int64_t i = 0; i < values.size(); ++i) {
    put(colour_at(scale_position(values.data<float>()[i], threshold)), picture.data<uint8_t>() + 3 * i);
  }
  return picture;
}

Tensor render_overlay(const Tensor& image, const Tensor& map, float threshold) {
  ASSAY_CHECK(image.rank() == 3 && image.dtype() == DType::kUInt8 && image.dim(2) == 3,
              "render_overlay: image has shape ", to_string(image.shape()), ", expected (H, W, 3) of uint8");
  const Tensor values = resized("render_overlay", map, threshold, image.dim(0), image.dim(1));
  const Tensor mask = mask_of(values, threshold);
  Tensor inner = mask;
  for (int64_t i = 0; i < contour_width(image.dim(0), image.dim(1)); ++i) inner = eroded(inner);
  Tensor picture = Tensor::empty<uint8_t>(image.shape(), "heatmaps");
  for (int64_t i = 0; i < values.size(); ++i) {
    const bool on_contour = mask.data<uint8_t>()[i] != inner.data<uint8_t>()[i];
    const float position = scale_position(values.data<float>()[i], threshold);
    put(on_contour ? kContour : covered(image.data<uint8_t>() + 3 * i, position), picture.data<uint8_t>() + 3 * i);
  }
  return picture;
}

Tensor mask_above(const Tensor& map, float threshold, int64_t height, int64_t width) {
  return mask_of(resized("mask_above", map, threshold, height, width), threshold);
}

}  // namespace assay::heatmap
