// SPDX-License-Identifier: Apache-2.0
// Convolutions over (B, H, W, C), channels last (kernels/conv/conv2d.h, conv2d_backward.h), with the same zeros on all
// sides. A transposed convolution is the gradient of a convolution by its input, and each is the other's backward pass.
#pragma once

#include "engine/autograd/apply.h"

namespace assay::autograd {

struct Conv2d {
  static constexpr const char* kName = "conv2d";
  struct Attrs {
    int64_t stride = 1;
    int64_t pad = 0;
  };
  static std::vector<Shape> infer(const Inputs& in, const Attrs& attrs);
  static void forward(ForwardContext& context, const Attrs& attrs);
  static void backward(BackwardContext& context, const Attrs& attrs);
};

struct ConvTranspose2d {
  static constexpr const char* kName = "conv_transpose2d";
  struct Attrs {
    int64_t stride = 1;
    int64_t pad = 0;
    // Rows and columns that are left out at the end: with them each size of a convolution's input can be had back.
    int64_t crop_rows = 0, crop_columns = 0;
  };
  static std::vector<Shape> infer(const Inputs& in, const Attrs& attrs);
  static void forward(ForwardContext& context, const Attrs& attrs);
  static void backward(BackwardContext& context, const Attrs& attrs);
};

// x: (B, H, W, C_in). weight: (C_out, KH, KW, C_in), PyTorch's (C_out, C_in, KH, KW) with channels last. bias: (C_out),
// or not defined. Result (B, (H + 2 pad - KH) / stride + 1, (W + 2 pad - KW) / stride + 1, C_out), rounded down.
inline Var conv2d(const Var& x, const Var& weight, const Var& bias, int64_t stride, int64_t pad) {
  return apply<Conv2d>({x, weight, bias}, {stride, pad});
}
// x: (B, H, W, C_in). weight: (C_in, KH, KW, C_out), PyTorch's (C_in, C_out, KH, KW) with channels last. Result
// (B, (H - 1) stride + KH - 2 pad - crop_rows, (W - 1) stride + KW - 2 pad - crop_columns, C_out).
inline Var conv_transpose2d(const Var& x, const Var& weight, const ConvTranspose2d::Attrs& attrs) {
  return apply<ConvTranspose2d>({x, weight}, attrs);
}

}  // namespace assay::autograd
