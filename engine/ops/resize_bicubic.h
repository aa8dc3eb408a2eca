// SPDX-License-Identifier: Apache-2.0
// Bicubic interpolation of feature grids to another size (kernels/interpolate/bicubic_resize.h).
#pragma once

#include <cstdint>

#include "engine/tensor/tensor.h"

namespace assay::ops {

// grid (H, W, C) float32, H W >= 1; out_height, out_width >= 0. step_down and step_across, > 0: source cells per output
// cell, H / out_height where nothing else is wanted. Returns (out_height, out_width, C) on grid's device. Throws
// assay::Error on another rank, dtype or size.
Tensor resize_bicubic(const Tensor& grid, int64_t out_height, int64_t out_width, double step_down, double step_across);

}  // namespace assay::ops
