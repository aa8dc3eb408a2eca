// SPDX-License-Identifier: Apache-2.0
// Convolution of each channel with a kernel of its own, with its epilogue, channels last:
//
//   y(b, i, j, c) = activation(sum over p, q of x(b, i stride + p - pad_top, j stride + q - pad_left, c)
//                              * weight(p, q, c) + bias(c) [+ residual(b, i, j, c)])
//
// Padding, layout, accuracy (with K = KH KW), determinism and NaN: as conv2d.h.
#pragma once

#include <cstdint>

#include "kernels/base/kernel_table.h"
#include "kernels/conv/conv2d.h"

namespace assay::kernels {

struct DepthwiseConvArgs {
  const float* x;         // (B, H, W, C)
  const float* weight;    // (KH, KW, C)
  const float* bias;      // (C)
  const float* residual;  // (B, OH, OW, C) or null; may be y: each element is read before it is written
  float* y;               // (B, OH, OW, C); must not overlap x
  int64_t batch, height, width, channels;
  int64_t out_height, out_width, out_channels;  // out_channels is channels
  int64_t kernel_height, kernel_width, stride;  // each >= 1
  int64_t pad_top, pad_left;                    // zeros before the first row and column
  ConvActivation activation;                    // after bias and residual
};
extern const KernelTable<DepthwiseConvArgs> depthwise_conv;

}  // namespace assay::kernels
