// SPDX-License-Identifier: Apache-2.0
// Bicubic interpolation of each grid of a batch to another size, as torch.nn.functional.interpolate does with
// mode="bicubic", align_corners=False, antialias=False. Output i lies at source position s = (i + 0.5) * step - 0.5 and
// weighs the four cells floor(s) - 1 .. floor(s) + 2 (the outer cells repeated beyond the border) with Keys' kernel,
// a = -0.75, of their distance t: (a + 2) t^3 - (a + 3) t^2 + 1 up to 1, a t^3 - 5 a t^2 + 8 a t - 4 a up to 2.
// Source: Keys 1981, eq. 8 with free a. `step` is in / out, or one over the scale factor where torch is given one:
// DINOv2 scales its position embedding by (out + 0.1) / in, which is another step than in / out.
// Row-major, contiguous, float32; positions and weights in double. On the CPU one thread. Bits depend on the backend
// and its instruction set only. NaN and Inf spread to every output among whose 4 x 4 cells they are, even where their
// weight is zero. The op layer has checked shapes; kernels do not check again.
#pragma once

#include <cstdint>

#include "kernels/base/kernel_table.h"

namespace assay::kernels {

struct BicubicResizeArgs {
  const float* x;      // (B, H, W, C)
  float* y;            // (B, H2, W2, C)  must not overlap x
  int64_t height;      // H >= 1
  int64_t width;       // W >= 1
  int64_t channels;    // C >= 0
  int64_t out_height;  // H2 >= 0
  int64_t out_width;   // W2 >= 0
  double step_down;    // source rows per output row, > 0
  double step_across;  // source columns per output column, > 0
  int64_t batch = 1;   // B >= 0
};
extern const KernelTable<BicubicResizeArgs> bicubic_resize;

}  // namespace assay::kernels
