// SPDX-License-Identifier: Apache-2.0
// Whether a backward kernel overwrites a gradient or adds to it. Every gradient has its own mode, given by the caller
// and never by convention; a null gradient pointer means that this gradient is not needed.
#pragma once

#if defined(__CUDACC__)
#define ASSAY_GRAD_HOST_DEVICE __host__ __device__
#else
#define ASSAY_GRAD_HOST_DEVICE
#endif

namespace assay {

enum class GradMode { kOverwrite, kAccumulate };

// The value to store in *grad. What is overwritten is never read: fresh memory may hold NaN.
ASSAY_GRAD_HOST_DEVICE inline float merged_grad(GradMode mode, const float* grad, float value) {
  return mode == GradMode::kAccumulate ? *grad + value : value;
}

}  // namespace assay

#undef ASSAY_GRAD_HOST_DEVICE
