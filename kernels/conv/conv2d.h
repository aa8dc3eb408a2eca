// SPDX-License-Identifier: Apache-2.0
// Convolution (cross-correlation, as in neural networks) with its epilogue, channels last:
//
//   y(b, i, j, o) = activation(sum over p, q, c of x(b, i stride + p - pad_top, j stride + q - pad_left, c)
//                              * weight(o, p, q, c) + bias(o) [+ residual(b, i, j, o)])
//
// with x = 0 outside the grid. Output sizes are the caller's: TensorFlow's SAME padding, which puts the odd zero behind
// the last row, is out_height = ceil(height / stride), pad_top = max((out_height - 1) stride + kernel_height - height,
// 0) / 2. Row-major, contiguous, float32, any alignment. Windows may lie outside the grid in whole.
//
// Accuracy: sums in float32; with K = KH KW C, each sum is within K * 2^-23 * sum |x| |weight| of the exact one.
// Deterministic on one type of machine. Weights are finite; NaN and infinities of x spread to the outputs whose windows
// hold them, a NaN through each activation. The op layer has checked shapes; kernels do not check again.
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
  float* y;               // (B, OH, OW, O); must not overlap x
  int64_t batch, height, width, channels;  // channels >= 1
  int64_t out_height, out_width, out_channels;
  int64_t kernel_height, kernel_width, stride;  // each >= 1
  int64_t pad_top, pad_left;                    // zeros before the first row and column
  ConvActivation activation;                    // after bias and residual
  void* workspace =
      nullptr;  // device memory, aligned to 256 bytes, for what cuDNN would like (conv2d_cudnn.h); or null
  int64_t workspace_bytes = 0;
};
extern const KernelTable<Conv2dArgs> conv2d;
// The same by own kernels alone: on CUDA without any vendor's library; the same as conv2d on the CPU.
extern const KernelTable<Conv2dArgs> conv2d_implicit_gemm;

}  // namespace assay::kernels
