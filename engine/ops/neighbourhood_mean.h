// SPDX-License-Identifier: Apache-2.0
// Mean of each cell's window x window square, over the cells inside the grid (kernels/pool/neighbourhood_mean.h).
#pragma once

#include <cstdint>

#include "engine/tensor/tensor.h"

namespace assay::ops {

// features (H, W, C) or, of several images, (B, H, W, C) float32, axes from 0; window odd, from 1 to 1023. Returns a
// new tensor of that shape. Throws assay::Error on another rank, dtype or window. On the CPU it runs in the calling
// thread.
Tensor neighbourhood_mean(const Tensor& features, int64_t window);

}  // namespace assay::ops
