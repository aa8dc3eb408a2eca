// SPDX-License-Identifier: Apache-2.0
// A FeatureSource in memory with known anomalies. Normal cells are Gaussian with correlated channels of variance 1,
// their mean a smooth function of the relative position; in anomalous images a cluster of 2 x 2 cells is shifted, each
// image's in a random direction of its own.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "models/features/feature_grid.h"

namespace assay::testing {

struct SyntheticOptions {
  int64_t num_images = 40;
  int64_t feature_width = 16;
  double anomalous_share = 0.2;  // of the images, rounded down; which ones is random
  double shift = 12;             // length of the shift, in standard deviations
  std::vector<std::pair<int64_t, int64_t>> grids = {{8, 8}, {6, 10}, {10, 6}};  // (height, width) in turn, >= 2 each
  uint64_t seed = 1;
};

class SyntheticFeatures : public models::FeatureSource {
 public:
  explicit SyntheticFeatures(const SyntheticOptions& options);

  int64_t num_images() const override { return static_cast<int64_t>(images_.size()); }
  int64_t feature_width() const override { return feature_width_; }
  models::FeatureGrid read(int64_t image) const override { return images_.at(image).grid; }
  uint64_t content_key(int64_t image) const override;  // a hash of the grid's size and values

  bool is_anomalous(int64_t image) const { return !images_.at(image).planted.empty(); }
  // Cells of the shifted cluster, ascending; none in a normal image.
  const std::vector<int64_t>& planted(int64_t image) const { return images_.at(image).planted; }
  std::vector<int64_t> normal_images() const;
  std::vector<int64_t> anomalous_images() const;

  // A source whose image i is this one's image order[i]. Features are shared, not copied.
  SyntheticFeatures reordered(const std::vector<int64_t>& order) const;
  // This one with `count` more images at its end that show what `image` shows, each under noise of its own: Gaussian of
  // the standard deviation `noise` in each channel.
  SyntheticFeatures with_copies(int64_t image, int64_t count, double noise) const;

 private:
  struct Image {
    models::FeatureGrid grid;
    std::vector<int64_t> planted;
  };
  SyntheticFeatures() = default;

  int64_t feature_width_ = 0;
  std::vector<Image> images_;
};

}  // namespace assay::testing
