// SPDX-License-Identifier: Apache-2.0
// From patch values to a map over the image, and from the map to one number per image.
#pragma once

#include <cstdint>
#include <string>

#include "engine/tensor/tensor.h"
#include "kernels/base/status.h"

namespace assay::models {

// Anomaly map over an image of height x width pixels: the grid's values, bilinear (align_corners = false), then a
// Gaussian of `sigma` pixels. grid: (h, w) float32, or (B, h, w) of several images; result (height, width) or (B,
// height, width) float32, on the grid's device. Roth et al. 2022, section 3.3: sigma 4 at 256 px.
Tensor anomaly_map(const Tensor& grid, int64_t height, int64_t width, double sigma);

// One number per image from its map. "max"; "mean"; "top:S" with 0 < S <= 1, the mean of the highest share S of the
// pixels (at least one).
struct ImageScoreRule {
  enum class Kind { kMax, kMean, kTop };
  Kind kind = Kind::kTop;
  double share = 0.01;

  static Result<ImageScoreRule> from_name(const std::string& name);
  std::string name() const;
};
// map: any shape, float32, on the CPU, at least one element, no NaN (assay::Error: sorting has no place for one, and an
// image without a score would pass as normal). Sums in double over the sorted highest values: no order dependence.
double image_score(const Tensor& map, const ImageScoreRule& rule);

}  // namespace assay::models
