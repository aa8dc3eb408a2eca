// SPDX-License-Identifier: Apache-2.0
// A surface before the camera: what a category draws, a defect changes and render() photographs.
#pragma once

#include <cstdint>
#include <vector>

#include "pipeline/demo/field.h"

namespace assay::demo {

struct Surface {
  Field red, green, blue;  // albedo, 0 to 1
  Field height;            // in pixels; its slopes make the shading
  Field gloss;             // strength of the highlight, 0 to 1
  Field part;              // 1 on the product, 0 on the background: defects stay on the product
  // How strong flaws of shape and of colour are made: what is plain on smooth metal drowns in a weave.
  float relief_flaws = 1, colour_flaws = 1;
};

struct Scene {
  Surface surface;
  float light_turns = 0.1f;              // where the light comes from, seen from above
  float light_slope = 0.5f;              // its horizontal part against its vertical one
  float exposure = 1;                    // of the whole image
  float gradient_x = 0, gradient_y = 0;  // the light's falling off towards one side, per image side
  float warmth = 0;                      // more red and less blue
};

// Scales the albedo of one pixel.
void scale_albedo(Surface& surface, int64_t x, int64_t y, float factor);
// Moves the albedo of one pixel towards a colour by `amount`, 0 to 1.
void blend_albedo(Surface& surface, int64_t x, int64_t y, const float (&colour)[3], float amount);

// The photograph: shading, lens fall-off and softness, sensor noise. (kSide, kSide, 3), row-major RGB.
// The noise is a function of (seed, stream, pixel) alone, so that two surfaces that agree in a pixel's
// surroundings give the same pixel.
std::vector<uint8_t> render(const Scene& scene, uint64_t seed, uint64_t stream);

}  // namespace assay::demo
