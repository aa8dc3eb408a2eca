// SPDX-License-Identifier: Apache-2.0
// Bilinear interpolation of maps and feature grids to another size, pixel centres aligned, no antialiasing
// (kernels/interpolate/bilinear_resize.h).
#pragma once

#include <cstdint>

#include "engine/tensor/tensor.h"

namespace assay::ops {

// grid (H, W), (H, W, C) or, of several images, (B, H, W, C) float32, H W >= 1, C >= 0, B >= 0; out_height, out_width
// >= 0. Returns a new tensor of the same rank. Throws assay::Error on another rank, dtype or size. On the CPU it runs
// in the calling thread.
Tensor resize_bilinear(const Tensor& grid, int64_t out_height, int64_t out_width);

}  // namespace assay::ops
