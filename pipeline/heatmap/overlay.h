// SPDX-License-Identifier: Apache-2.0
// Pictures of anomaly maps, at the size of the original image. Maps are resized bilinearly.
//
// Everywhere: image (H, W, 3) uint8; map (h, w) float32, h w >= 1, any size; threshold, the calibrated pixel threshold,
// finite and > 0. A new tensor is returned. assay::Error on another rank, dtype, size or threshold. Runs in the calling
// thread; images may be rendered in parallel.
#pragma once

#include <cstdint>

#include "engine/tensor/tensor.h"

namespace assay::heatmap {

// The map alone in the colours of colour_map.h: (height, width, 3) uint8.
Tensor render_map(const Tensor& map, float threshold, int64_t height, int64_t width);

// The image in grey, covered by the map's colours the more, the higher the value: not at all below 0.4 thresholds, by
// 85 % from 1.6. A bright line runs along the inner border of what exceeds the threshold. (H, W, 3) uint8.
Tensor render_overlay(const Tensor& image, const Tensor& map, float threshold);

// 255 where the map exceeds the threshold or is NaN, else 0: (height, width) uint8.
Tensor mask_above(const Tensor& map, float threshold, int64_t height, int64_t width);

}  // namespace assay::heatmap
