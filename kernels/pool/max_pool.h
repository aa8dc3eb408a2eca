// SPDX-License-Identifier: Apache-2.0
// Largest value of each window of each grid of a batch, channel by channel: y(i, j) is the maximum over the cells of
// the window x window square from (i, j) * stride - padding on that lie inside the grid, as
// torch.nn.functional.max_pool2d (ceil_mode=False, dilation 1). A window that holds a NaN gives its last NaN, read row
// by row; of zeros of both signs the first counts. Nothing is rounded, so the bits are the same on every instruction
// set and backend. Row-major, contiguous, float32. On the CPU by parallel_for. The op layer has checked shapes; kernels
// do not check again.
#pragma once

#include <cstdint>

#include "kernels/base/kernel_table.h"
#include "kernels/pool/pool_window.h"

namespace assay::kernels {

struct MaxPoolArgs {
  const float* x;      // (B, H, W, C)
  float* y;            // (B, H2, W2, C)  must not overlap x
  int64_t height;      // H >= 0
  int64_t width;       // W >= 0
  int64_t channels;    // C >= 0
  int64_t out_height;  // pooled_length(H, window, stride, padding)
  int64_t out_width;   // pooled_length(W, window, stride, padding)
  int64_t window;      // >= 1
  int64_t stride;      // >= 1
  int64_t padding;     // 0 <= padding <= window / 2, so that every window holds a cell
  int64_t batch = 1;   // B >= 0
};
extern const KernelTable<MaxPoolArgs> max_pool;

}  // namespace assay::kernels
