// SPDX-License-Identifier: Apache-2.0
// The activation of convolutions on CUDA.
#pragma once

#include <cuda_runtime.h>

#include "kernels/conv/conv2d.h"

namespace assay::kernels {

// Comparisons, not fmaxf, so that a NaN stays one.
__device__ __forceinline__ float activate(float x, ConvActivation activation) {
  if (activation == ConvActivation::kNone) return x;
  if (x < 0) return 0;
  return activation == ConvActivation::kRelu6 && x > 6 ? 6.0f : x;
}

}  // namespace assay::kernels
