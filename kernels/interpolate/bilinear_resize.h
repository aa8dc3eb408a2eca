// SPDX-License-Identifier: Apache-2.0
// Bilinear interpolation of each grid of a batch to another size, as torch.nn.functional.interpolate does with
// mode="bilinear", antialias=False. Output pixel i lies at source position s, between cell floor(s) and the next one,
// the last cell being repeated:
//   centres aligned (align_corners=False): s = max((i + 0.5) * in / out - 0.5, 0),
//   corners aligned (align_corners=True):  s = i * (in - 1) / (out - 1), and 0 where out is 1.
// Shrinking therefore skips cells; images are shrunk by kernels/resize instead.
// Row-major, contiguous, float32. On the CPU one thread. Bits depend on the backend and its instruction set only. NaN
// and Inf spread to every output between two cells of which one holds them, even where its weight is zero.
// The op layer has checked shapes; kernels do not check again.
#pragma once

#include <cstdint>

#include "kernels/base/kernel_table.h"

namespace assay::kernels {

enum class PixelAlignment {
  kCentres,  // the outer edges of the outer pixels stay in place
  kCorners,  // the centres of the outer pixels stay in place
};

struct BilinearResizeArgs {
  const float* x;      // (B, H, W, C)
  float* y;            // (B, H2, W2, C)  must not overlap x
  int64_t height;      // H >= 1
  int64_t width;       // W >= 1
  int64_t channels;    // C >= 0
  int64_t out_height;  // H2 >= 0
  int64_t out_width;   // W2 >= 0
  int64_t batch = 1;   // B >= 0
  PixelAlignment alignment = PixelAlignment::kCentres;
};
extern const KernelTable<BilinearResizeArgs> bilinear_resize;

}  // namespace assay::kernels
