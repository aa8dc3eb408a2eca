// SPDX-License-Identifier: Apache-2.0
// From anomaly values to colours. The scale is fixed by the calibrated threshold, which sits at its middle: the same
// value has the same colour in every image, and normal images look calm. Nothing is stretched to an image's own range.
#pragma once

#include <cstdint>

namespace assay::heatmap {

struct Colour {
  uint8_t red, green, blue;
};

// Where an anomaly value lies on the scale: value / (2 threshold), held within [0, 1]. threshold > 0. NaN lies at 1: a
// value that should not be must not look calm.
float scale_position(float value, float threshold);

// The colour at position 0 (near black) over purple, red (0.5) and orange to 1 (pale yellow). Lightness rises evenly
// from L* 3 to 94, so that the order of colours survives colour blindness and grey printing. `position` beyond [0, 1]
// takes the nearer end.
Colour colour_at(float position);

}  // namespace assay::heatmap
