// SPDX-License-Identifier: Apache-2.0
#include "tests/support/synthetic_features.h"

#include <cmath>
#include <utility>

#include "kernels/random/generator.h"

namespace assay::testing {
namespace {

using kernels::Generator;

constexpr int64_t kPixelsPerCell = 8;

std::vector<double> normals(int64_t count, Generator& generator) {
  std::vector<double> values(count);
  for (double& v : values) v = generator.normal();
  return values;
}

// What all images share: the mean of channel c at relative position (u, v) is base[c] + across[c] u + down[c] v, and
// the share of a cell's common noise in it is 0.6 or -0.6.
struct Pattern {
  std::vector<double> base, across, down, common;
  Pattern(int64_t width, Generator& generator)
      : base(normals(width, generator)),
        across(normals(width, generator)),
        down(normals(width, generator)),
        common(normals(width, generator)) {
    for (double& c : common) c = c > 0 ? 0.6 : -0.6;
  }
};

models::FeatureGrid normal_grid(int64_t height, int64_t width, const Pattern& pattern, Generator& generator) {
  const int64_t channels = static_cast<int64_t>(pattern.base.size());
  models::FeatureGrid grid;
  grid.height = height;
  grid.width = width;
  grid.image_height = kPixelsPerCell * height;
  grid.image_width = kPixelsPerCell * width;
  grid.rows = Tensor::empty<float>({height * width, channels}, "synthetic features");
  float* value = grid.rows.data<float>();
  for (int64_t cell = 0; cell < height * width; ++cell) {
    const double u = (cell % width + 0.5) / width;
    const double v = (cell / width + 0.5) / height;
    const double common = generator.normal();
    for (int64_t c = 0; c < channels; ++c) {
      const double mean = pattern.base[c] + pattern.across[c] * u + pattern.down[c] * v;
      *value++ = static_cast<float>(mean + pattern.common[c] * common + 0.8 * generator.normal());
    }
  }
  return grid;
}

// Shifts 2 x 2 cells and returns which.
std::vector<int64_t> plant(double shift, models::FeatureGrid* grid, Generator& generator) {
  const int64_t channels = grid->rows.dim(1);
  const std::vector<double> direction = normals(channels, generator);
  double squared = 0;
  for (const double d : direction) squared += d * d;
  const int64_t top = static_cast<int64_t>(generator.below(grid->height - 1));
  const int64_t left = static_cast<int64_t>(generator.below(grid->width - 1));
  const int64_t first = top * grid->width + left;
  const std::vector<int64_t> cells = {first, first + 1, first + grid->width, first + grid->width + 1};
  for (const int64_t cell : cells) {
    float* row = grid->rows.data<float>() + cell * channels;
    for (int64_t c = 0; c < channels; ++c) row[c] += static_cast<float>(shift * direction[c] / std::sqrt(squared));
  }
  return cells;
}

}  // namespace

SyntheticFeatures::SyntheticFeatures(const SyntheticOptions& options) : feature_width_(options.feature_width) {
  Generator generator(options.seed);
  const Pattern pattern(options.feature_width, generator);
  for (int64_t i = 0; i < options.num_images; ++i) {
    const auto [height, width] = options.grids[i % options.grids.size()];
    images_.push_back({normal_grid(height, width, pattern, generator), {}});
  }
  const int64_t anomalous = static_cast<int64_t>(options.anomalous_share * static_cast<double>(options.num_images));
  for (const int64_t i : kernels::random_sample(options.num_images, anomalous, generator)) {
    images_[i].planted = plant(options.shift, &images_[i].grid, generator);
  }
}

uint64_t SyntheticFeatures::content_key(int64_t image) const {
  const models::FeatureGrid& grid = images_.at(image).grid;
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  const auto mix = [&](uint64_t byte) { hash = (hash ^ byte) * 0x100000001b3; };
  mix(static_cast<uint64_t>(grid.height));
  mix(static_cast<uint64_t>(grid.width));
  for (size_t i = 0; i < grid.rows.bytes(); ++i) mix(static_cast<uint64_t>(grid.rows.raw()[i]));
  return hash;
}

std::vector<int64_t> SyntheticFeatures::normal_images() const {
  std::vector<int64_t> images;
  for (int64_t i = 0; i < num_images(); ++i) {
    if (!is_anomalous(i)) images.push_back(i);
  }
  return images;
}

std::vector<int64_t> SyntheticFeatures::anomalous_images() const {
  std::vector<int64_t> images;
  for (int64_t i = 0; i < num_images(); ++i) {
    if (is_anomalous(i)) images.push_back(i);
  }
  return images;
}

SyntheticFeatures SyntheticFeatures::reordered(const std::vector<int64_t>& order) const {
  SyntheticFeatures source;
  source.feature_width_ = feature_width_;
  for (const int64_t i : order) source.images_.push_back(images_.at(i));
  return source;
}

SyntheticFeatures SyntheticFeatures::with_copies(int64_t image, int64_t count, double noise) const {
  SyntheticFeatures source = *this;
  for (int64_t copy = 0; copy < count; ++copy) {
    Generator generator(static_cast<uint64_t>(image), static_cast<uint64_t>(source.num_images()));
    Image made = images_.at(image);
    made.grid.rows = made.grid.rows.clone("synthetic features");
    float* value = made.grid.rows.data<float>();
    for (int64_t v = 0; v < made.grid.rows.size(); ++v) value[v] += static_cast<float>(noise * generator.normal());
    source.images_.push_back(std::move(made));
  }
  return source;
}

}  // namespace assay::testing
