// SPDX-License-Identifier: Apache-2.0
// 8-bit images to what a backbone reads: y = (x - mean) / deviation, per channel, in the levels 0 .. 255 of the image.
// Both operations round once, so the bits are the same on every instruction set and backend. On the CPU by
// parallel_for. Interleaved, contiguous. The op layer has checked shapes; kernels do not check again.
#pragma once

#include <cstdint>

#include "kernels/base/kernel_table.h"

namespace assay::kernels {

struct ImageNormaliseArgs {
  const uint8_t* x;    // (pixels, 3): (B, H, W, 3)
  float* y;            // (pixels, 3)  must not overlap x
  int64_t pixels;      // B * H * W >= 0
  float mean[3];       // finite
  float deviation[3];  // finite, not 0
};
extern const KernelTable<ImageNormaliseArgs> image_normalise;

}  // namespace assay::kernels
