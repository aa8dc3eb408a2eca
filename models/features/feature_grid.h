// SPDX-License-Identifier: Apache-2.0
// Patch features of images: what backbones make and detectors are fitted to.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/tensor/tensor.h"

namespace assay::models {

// The patch features of one image, or of several of one size: one row per grid cell, cells in row-major order, image
// after image.
struct FeatureGrid {
  int64_t height = 0;        // cells
  int64_t width = 0;         // cells
  int64_t image_height = 0;  // pixels of the backbone's input, over which the anomaly map is drawn
  int64_t image_width = 0;   // pixels
  Tensor rows;               // (batch * height * width, D) float32, on whatever device
  int64_t batch = 1;         // images
  // What a transformer has beside the cells, where it was asked for: of each image its first tokens, alike in width and
  // number. (batch * T, D) float32, on the device of rows; no rows otherwise.
  Tensor prefix = {};
};

// The features of many images, by index. Reading is cheap, repeatable and safe from several threads at once.
class FeatureSource {
 public:
  virtual ~FeatureSource() = default;
  virtual int64_t num_images() const = 0;
  virtual int64_t feature_width() const = 0;          // D
  virtual FeatureGrid read(int64_t image) const = 0;  // on the CPU
  // Several images whose shapes are alike (assay::Error otherwise), as a batch on the device. At least one.
  virtual FeatureGrid read_batch(const std::vector<int64_t>& images, Device device) const;
  // The grid without its rows and prefix.
  virtual FeatureGrid shape(int64_t image) const {
    FeatureGrid grid = read(image);
    grid.rows = grid.prefix = Tensor();
    return grid;
  }
  // A number that depends on the image's content and on nothing else: not on its name, not on its place in a list.
  // Random choices within an image are seeded with it.
  virtual uint64_t content_key(int64_t image) const = 0;
};

inline bool has_prefix(const FeatureGrid& grid) { return grid.prefix.size() > 0; }
bool is_same_size(const FeatureGrid& a, const FeatureGrid& b);

// Matrices of one shape and dtype on the CPU, at least one, below each other in new storage.
Tensor one_after_the_other(const std::vector<Tensor>& parts);

// Cuts images into batches of one size, at most max_batch each: positions in `images`, ascending within a batch.
std::vector<std::vector<int64_t>> batches_of_one_size(const FeatureSource& features, const std::vector<int64_t>& images,
                                                      int64_t max_batch);

// The images at some positions of a list.
std::vector<int64_t> images_at(const std::vector<int64_t>& images, const std::vector<int64_t>& positions);

}  // namespace assay::models
