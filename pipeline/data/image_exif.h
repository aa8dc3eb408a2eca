// SPDX-License-Identifier: Apache-2.0
// The one EXIF field that changes pixels: how the camera was held. Internal to pipeline/data.
#pragma once

#include "engine/tensor/tensor.h"
#include "pipeline/data/byte_view.h"

namespace assay::data {

// The orientation, 1 to 8, in an EXIF block that begins with its TIFF header; 1 where it is absent or damaged. Source:
// EXIF 2.3, tag 0x0112, in the first directory.
int exif_orientation(ByteView tiff);

// Whether an image of this orientation swaps width and height.
inline bool orientation_swaps_sides(int orientation) { return orientation >= 5; }

// pixels (H, W, 3) uint8 turned upright, as PIL's ImageOps.exif_transpose does: (H, W, 3) or (W, H, 3).
Tensor apply_orientation(const Tensor& pixels, int orientation);

}  // namespace assay::data
