// SPDX-License-Identifier: Apache-2.0
// Two-dimensional convolution with its epilogue: y = activation(conv(x, weight) + bias [+ residual]). NHWC, float32.
#pragma once

#include <cstdint>

#include "kernels/base/kernel_table.h"

namespace assay::kernels {

enum class ConvActivation { kNone, kRelu, kRelu6 };

struct Conv2dArgs {
  const float* x;         // (B, H, W, C)
  const float* weight;    // (O, KH, KW, C)
  const float* bias;      // (O)
  const float* residual;  // (B, OH, OW, O) or null; may be y: each element is read before it is written
  float* y;               // (B, OH, OW, O)
  int64_t batch, height, width, channels;
  int64_t out_height, out_width, out_channels;
  int64_t kernel_height, kernel_width, stride;
  int64_t pad_top, pad_left;  // zeros before the first row and column; behind the last as many as the output needs
  ConvActivation activation;  // after bias and residual
  void* workspace = nullptr;  // device memory, aligned to 256 bytes, for what cuDNN would like; or null
  int64_t workspace_bytes = 0;
};

}  // namespace assay::kernels
