// SPDX-License-Identifier: Apache-2.0
// Nearest-neighbour resize of a batch of 8-bit masks, equal bit for bit to Pillow's Image.resize(size, Image.NEAREST):
// output pixel i copies input pixel floor((i + 0.5) * in / out). As in Pillow 9.4 the position is a running sum in
// double, which decides the pixels whose position falls on a whole number. On the CPU one thread. The bits are the same
// on every machine and backend. The op layer has checked shapes; kernels do not check again.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/base/kernel_table.h"

namespace assay::kernels {

struct NearestResizeArgs {
  const uint8_t* x;        // (B, H, W)  pixels of a row are adjacent
  uint8_t* y;              // (B, H2, W2)  contiguous, must not overlap x
  int64_t* positions;      // (H2 + W2)  workspace: the source rows, then the source columns
  int64_t height;          // H >= 1
  int64_t width;           // W >= 1
  int64_t x_stride_bytes;  // from row to row of x, >= W; masks follow each other every H of them
  int64_t out_height;      // H2 >= 1
  int64_t out_width;       // W2 >= 1
  int64_t batch = 1;       // B >= 0
};
extern const KernelTable<NearestResizeArgs> nearest_resize;

}  // namespace assay::kernels
