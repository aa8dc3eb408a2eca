// SPDX-License-Identifier: Apache-2.0
// Gaussian blur of a map, mirrored at the border, as scipy.ndimage.gaussian_filter (kernels/blur/gaussian_blur.h).
#pragma once

#include "engine/tensor/tensor.h"

namespace assay::ops {

// maps: one (H, W) or several (B, H, W) float32; sigma in pixels from 0 (a copy) to 10000. Returns a new tensor of that
// shape. Throws assay::Error on another rank, dtype or sigma. On the CPU it runs in the calling thread.
Tensor gaussian_blur(const Tensor& maps, double sigma);

}  // namespace assay::ops
