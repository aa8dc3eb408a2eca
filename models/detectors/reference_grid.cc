// SPDX-License-Identifier: Apache-2.0
#include "models/detectors/reference_grid.h"

#include <algorithm>

namespace assay::models {
namespace {

int64_t lower_median(std::vector<int64_t> values) {
  const auto middle = values.begin() + (static_cast<int64_t>(values.size()) - 1) / 2;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

ReferenceGrid median_grid(const FeatureSource& features, const std::vector<int64_t>& images) {
  std::vector<int64_t> heights, widths;
  for (const int64_t image : images) {
    const FeatureGrid grid = features.shape(image);
    heights.push_back(grid.height);
    widths.push_back(grid.width);
  }
  return {lower_median(heights), lower_median(widths)};
}

}  // namespace assay::models
