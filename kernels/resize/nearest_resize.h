// SPDX-License-Identifier: Apache-2.0
// Nearest-neighbour resize of 8-bit masks, equal bit for bit to Pillow's Image.resize(size, Image.NEAREST): output
// pixel i copies input pixel floor((i + 0.5) * in / out). As in Pillow 9.4 the position is a running sum in double,
// which decides the pixels whose position falls on a whole number. One thread, deterministic. The op layer has checked
// shapes; kernels do not check again.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/base/kernel_table.h"

namespace assay::kernels {

struct NearestResizeArgs {
  const uint8_t* x;        // (H, W)  pixels of a row are adjacent
  uint8_t* y;              // (H2, W2)  contiguous, must not overlap x
  int64_t* columns;        // (W2)  workspace
  int64_t height;          // H >= 1
  int64_t width;           // W >= 1
  int64_t x_stride_bytes;  // from row to row of x, >= W
  int64_t out_height;      // H2 >= 1
  int64_t out_width;       // W2 >= 1
};
extern const KernelTable<NearestResizeArgs> nearest_resize;

}  // namespace assay::kernels
