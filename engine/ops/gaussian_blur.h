// SPDX-License-Identifier: Apache-2.0
// Gaussian blur of a map, mirrored at the border, as scipy.ndimage.gaussian_filter (kernels/blur/gaussian_blur.h).
#pragma once

#include "engine/tensor/tensor.h"

namespace assay::ops {

// map (H, W) float32; sigma in pixels from 0 (a copy) to 10000. Returns a new tensor (H, W).
// Throws assay::Error on another rank, dtype or sigma. Runs in the calling thread.
Tensor gaussian_blur(const Tensor& map, double sigma);

}  // namespace assay::ops
