// SPDX-License-Identifier: Apache-2.0
// Patch features of images: what backbones make and detectors are fitted to.
#pragma once

#include <cstdint>

#include "engine/tensor/tensor.h"

namespace assay::models {

// The patch features of one image: one row per grid cell, cells in row-major order.
struct FeatureGrid {
  int64_t height = 0;        // cells
  int64_t width = 0;         // cells
  int64_t image_height = 0;  // pixels of the backbone's input, over which the anomaly map is drawn
  int64_t image_width = 0;   // pixels
  Tensor rows;               // (height * width, D) float32
};

// The features of many images, by index. Reading is cheap, repeatable and safe from several threads at once.
class FeatureSource {
 public:
  virtual ~FeatureSource() = default;
  virtual int64_t num_images() const = 0;
  virtual int64_t feature_width() const = 0;  // D
  virtual FeatureGrid read(int64_t image) const = 0;
  // The grid without its rows.
  virtual FeatureGrid shape(int64_t image) const {
    FeatureGrid grid = read(image);
    grid.rows = Tensor();
    return grid;
  }
  // A number that depends on the image's content and on nothing else: not on its name, not on its place in a list.
  // Random choices within an image are seeded with it.
  virtual uint64_t content_key(int64_t image) const = 0;
};

}  // namespace assay::models
