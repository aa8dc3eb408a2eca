// SPDX-License-Identifier: Apache-2.0
// Antialiased bilinear resize of a batch of 8-bit images, equal bit for bit to Pillow's Image.resize(size,
// Image.BILINEAR). Each axis is filtered with a triangle whose half-width is max(in / out, 1) input pixels, its weights
// normalised to sum to 1: y[i] = sum_j w((j + 0.5 - (i + 0.5) * in / out) / max(in / out, 1)) * x[j], w(t) = max(1 -
// |t|, 0). As in Pillow 9.4: columns first, then rows, each result rounded to 8 bits; weights are fixed-point with 22
// fractional bits; an axis that keeps its length is copied. The source of truth is the golden file of the test. On the
// CPU one thread: callers resize many images at a time. Weights are computed in double in Pillow's order without fusing
// and sums are integers, so the bits are the same on every machine and backend. The op layer has checked shapes;
// kernels do not check again.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/base/kernel_table.h"

namespace assay::kernels {

struct AntialiasResizeArgs {
  const uint8_t* x;        // (B, H, W, C)  pixels of a row are adjacent
  uint8_t* y;              // (B, H2, W2, C)  contiguous, must not overlap x
  void* workspace;         // antialias_resize_workspace_bytes(args, backend), any alignment
  int64_t height;          // 1 <= H <= kMaxResizeSide
  int64_t width;           // 1 <= W <= kMaxResizeSide
  int64_t channels;        // C = 1 or 3
  int64_t x_stride_bytes;  // from row to row of x, >= W * C; images follow each other every H of them
  int64_t out_height;      // 1 <= H2 <= kMaxResizeSide
  int64_t out_width;       // 1 <= W2 <= kMaxResizeSide
  int64_t batch = 1;       // B >= 0
};
// Up to here a sum of rounded weights times 255 stays within 31 bits, and every size within 63.
constexpr int64_t kMaxResizeSide = 1 << 20;

// The weights of both axes, and images that are resized across. Does not read x, y or workspace.
size_t antialias_resize_workspace_bytes(const AntialiasResizeArgs& args, Backend backend = Backend::kCpu);

extern const KernelTable<AntialiasResizeArgs> antialias_resize;

}  // namespace assay::kernels
