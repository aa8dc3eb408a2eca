// SPDX-License-Identifier: Apache-2.0
// What "the same position" means where images differ in cells: the grid to which features are resampled, bilinearly,
// before they are compared position by position.
#pragma once

#include <cstdint>
#include <vector>

#include "models/features/feature_grid.h"

namespace assay::models {

struct ReferenceGrid {
  int64_t height = 0;  // cells
  int64_t width = 0;   // cells
  int64_t positions() const { return height * width; }
};

// The (lower) median of the heights and that of the widths over the given images of the source, at least one. Does not
// depend on their order.
ReferenceGrid median_grid(const FeatureSource& features, const std::vector<int64_t>& images);

}  // namespace assay::models
