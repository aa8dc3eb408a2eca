// SPDX-License-Identifier: Apache-2.0
// Means over windows of each grid of a batch, channel by channel.
//   average_pool: output (i, j) is the mean of the window x window cells from (i, j) * stride - padding on. Cells
//   beyond the border are zeros; they count as cells or do not, as torch's count_include_pad. adaptive_average_pool:
//   output (i, j) is the mean of rows floor(i H / H2) to ceil((i + 1) H / H2) - 1 and of columns likewise, as
//   torch.nn.functional.adaptive_avg_pool2d: neighbouring windows overlap where H2 does not divide H.
// Row-major, contiguous, float32. On the CPU by parallel_for. Sums run row by row in float; bits depend on the backend
// and its instruction set only. NaN and Inf spread to the windows that hold them.
// The op layer has checked shapes; kernels do not check again.
#pragma once

#include <cstdint>

#include "kernels/base/kernel_table.h"
#include "kernels/pool/pool_window.h"

namespace assay::kernels {

enum class PaddingCount {
  kIncluded,  // divide by window * window everywhere: torch's default
  kExcluded,  // divide by the number of cells inside the grid
};

struct AveragePoolArgs {
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
  PaddingCount padding_count = PaddingCount::kIncluded;
  int64_t batch = 1;  // B >= 0
};
extern const KernelTable<AveragePoolArgs> average_pool;

struct AdaptiveAveragePoolArgs {
  const float* x;      // (B, H, W, C)
  float* y;            // (B, H2, W2, C)  must not overlap x
  int64_t height;      // H >= 1
  int64_t width;       // W >= 1
  int64_t channels;    // C >= 0
  int64_t out_height;  // H2 >= 0, may exceed H
  int64_t out_width;   // W2 >= 0, may exceed W
  int64_t batch = 1;   // B >= 0
};
extern const KernelTable<AdaptiveAveragePoolArgs> adaptive_average_pool;

}  // namespace assay::kernels
