// SPDX-License-Identifier: Apache-2.0
// Scaling of 8-bit images and masks, equal to Pillow bit for bit (kernels/resize). No derivative: these run on inputs,
// before anything that is trained. Each call runs in the calling thread; callers resize many images at a time.
#pragma once

#include <cstdint>

#include "engine/tensor/tensor.h"

namespace assay::ops {

// image (H, W, C) uint8, C = 1 or 3 -> (height, width, C) uint8, in new storage. Sides from 1 to 2^20.
// Throws assay::Error on any other shape, dtype or size.
Tensor antialias_resize(const Tensor& image, int64_t height, int64_t width);

// mask (H, W) uint8 -> (height, width) uint8, in new storage. Sides from 1 to 2^20. Throws as above.
Tensor nearest_resize(const Tensor& mask, int64_t height, int64_t width);

}  // namespace assay::ops
