// SPDX-License-Identifier: Apache-2.0
// Gradients of the convolution of conv2d.h, without its bias, residual and activation. With y = conv(x, weight), out of
// the gradient of y:
//
//   grad_x(b, h, w, c)      = sum over p, q, o of grad_y(b, i, j, o) * weight(o, p, q, c)
//                             where i stride + p - pad_top = h and j stride + q - pad_left = w have a solution in the
//                             grid
//   grad_weight(o, p, q, c) = sum over b, i, j of grad_y(b, i, j, o) * x(b, i stride + p - pad_top, j stride + q -
//                             pad_left, c), with x = 0 outside the grid
//
// The first, as a function of grad_y, is the transposed convolution of grad_y with the weight. Row-major, contiguous,
// float32, any alignment; nothing may overlap. Padding is any, negative too; windows may lie outside the grid in whole.
//
// Accuracy: sums in float32; each is within K * 2^-23 * sum |factor| |factor| of the exact one, K the number of its
// terms. Deterministic on one type of machine: bits do not depend on the number of threads, and on CUDA nothing is
// added by atomics. Weights are finite. A NaN or infinity of grad_y spreads to the cells of grad_x that its output
// meets and to all taps of its channel in grad_weight; one of x to the taps that see it. The op layer has checked
// shapes; kernels do not check again.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/base/grad_mode.h"
#include "kernels/base/host_device.h"
#include "kernels/base/kernel_table.h"

namespace assay::kernels {

struct ConvShape {
  int64_t batch, height, width, channels;       // channels >= 1
  int64_t out_height, out_width, out_channels;  // out_channels >= 1
  int64_t kernel_height, kernel_width, stride;  // each >= 1
  int64_t pad_top, pad_left;                    // zeros before the first row and column
  ASSAY_HOST_DEVICE int64_t num_inputs() const { return batch * height * width * channels; }
  ASSAY_HOST_DEVICE int64_t num_cells() const { return batch * out_height * out_width; }
  ASSAY_HOST_DEVICE int64_t num_outputs() const { return num_cells() * out_channels; }
  ASSAY_HOST_DEVICE int64_t window() const { return kernel_height * kernel_width * channels; }
  ASSAY_HOST_DEVICE int64_t num_weights() const { return out_channels * window(); }  // below 2^31
};

struct Conv2dBackwardDataArgs {
  const float* grad_y;  // (B, OH, OW, O)
  const float* weight;  // (O, KH, KW, C)
  float* grad_x;        // (B, H, W, C)
  ConvShape shape;
  GradMode mode = GradMode::kOverwrite;
};
extern const KernelTable<Conv2dBackwardDataArgs> conv2d_backward_data;

struct Conv2dBackwardWeightArgs {
  const float* x;       // (B, H, W, C)
  const float* grad_y;  // (B, OH, OW, O)
  float* grad_weight;   // (O, KH, KW, C)
  float* workspace;     // conv2d_backward_weight_workspace_bytes; null where that is 0
  ConvShape shape;
  GradMode mode = GradMode::kOverwrite;
};
extern const KernelTable<Conv2dBackwardWeightArgs> conv2d_backward_weight;

// On CUDA the cells are cut into so many pieces that they fill the device, each with sums of its own.
int64_t conv2d_backward_weight_pieces(const ConvShape& shape);
size_t conv2d_backward_weight_workspace_bytes(Backend backend, const ConvShape& shape);

}  // namespace assay::kernels
