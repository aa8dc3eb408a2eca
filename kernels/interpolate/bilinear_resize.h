// SPDX-License-Identifier: Apache-2.0
// Bilinear interpolation of a grid to another size, pixel centres aligned as torch.nn.functional.interpolate does with
// mode="bilinear", align_corners=False, antialias=False: output pixel i lies at source position
// s = max((i + 0.5) * in / out - 0.5, 0), between cell floor(s) and the next one, the last cell being repeated.
// Shrinking therefore skips cells; images are shrunk by kernels/resize instead.
// Row-major, contiguous, float32. One thread. Bits depend on the instruction set only. NaN and Inf spread to every
// output between two cells of which one holds them, even where its weight is zero.
// The op layer has checked shapes; kernels do not check again.
#pragma once

#include <cstdint>

#include "kernels/base/kernel_table.h"

namespace assay::kernels {

struct BilinearResizeArgs {
  const float* x;      // (H, W, C)
  float* y;            // (H2, W2, C)  must not overlap x
  int64_t height;      // H >= 1
  int64_t width;       // W >= 1
  int64_t channels;    // C >= 0
  int64_t out_height;  // H2 >= 0
  int64_t out_width;   // W2 >= 0
};
extern const KernelTable<BilinearResizeArgs> bilinear_resize;

}  // namespace assay::kernels
