// SPDX-License-Identifier: Apache-2.0
// The connected regions of a mask, as runs: what AUPRO averages over.
#pragma once

#include <cstdint>
#include <vector>

namespace assay {

// Pixels [begin, end) of a row, all in one region.
struct Run {
  int64_t row;
  int64_t begin;
  int64_t end;
  int64_t region;  // index into Regions::areas
};

struct Regions {
  std::vector<Run> runs;       // in raster order; neighbouring runs of a row never touch
  std::vector<int64_t> areas;  // pixels per region, numbered by their first pixel in raster order
};

// mask is (height, width), row-major; every value > 0 belongs to a defect. Pixels that touch at a side or a corner
// are connected (8-neighbourhood, the default of skimage.measure.label; unlike there, all values > 0 are one class).
// Memory: 40 bytes per run. A mask of 0 pixels has no regions.
Regions connected_regions(const uint8_t* mask, int64_t height, int64_t width);

}  // namespace assay
