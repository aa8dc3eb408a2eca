// SPDX-License-Identifier: Apache-2.0
// Convolutions by their definitions, in double, and the cases of tests and benchmarks.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/conv/conv2d.h"
#include "kernels/conv/depthwise_conv.h"

namespace assay::kernels::ref {

struct ConvCase {
  int64_t batch, height, width, channels, out_channels;  // out_channels: not for depthwise
  int64_t kernel_height, kernel_width, stride;
  int64_t out_height, out_width, pad_top, pad_left;
  bool residual = false;
  ConvActivation activation = ConvActivation::kNone;
};

// TensorFlow's SAME: outputs for ceil(size / stride) places, the odd zero behind.
inline ConvCase same_padding(int64_t batch, int64_t height, int64_t width, int64_t channels, int64_t out_channels,
                             int64_t kernel, int64_t stride, bool residual = false,
                             ConvActivation activation = ConvActivation::kNone) {
  const auto out = [&](int64_t size) { return (size + stride - 1) / stride; };
  const auto pad = [&](int64_t size) { return std::max<int64_t>((out(size) - 1) * stride + kernel - size, 0) / 2; };
  return {batch,  height,      width,      channels,    out_channels, kernel,   kernel,
          stride, out(height), out(width), pad(height), pad(width),   residual, activation};
}

inline std::string conv_shape(const ConvCase& t) {
  const auto s = [](int64_t n) { return std::to_string(n); };
  return s(t.batch) + "x" + s(t.height) + "x" + s(t.width) + "x" + s(t.channels) + ":" + s(t.out_channels) + "," +
         s(t.kernel_height) + "x" + s(t.kernel_width) + "/" + s(t.stride);
}

struct ConvElement {
  double value;
  double tolerance;
};

// The activation of a sum of `terms` products, the bias and the residual. Errors: one rounding for each operation, at
// most of the sum of magnitudes.
inline ConvElement finished(double sum, double magnitude, int64_t terms, double bias, double residual,
                            ConvActivation activation) {
  double x = sum + bias + residual;
  if (activation != ConvActivation::kNone) x = std::max(x, 0.0);
  if (activation == ConvActivation::kRelu6) x = std::min(x, 6.0);
  const double operations = static_cast<double>(terms) + 2;
  return {x, operations * std::ldexp(magnitude + std::abs(bias) + std::abs(residual), -23)};
}

// weight(p, q, c) gives the weight that the output has for that element of its window; channels run from
// `first_channel` to before `last_channel`.
template <class Args, class Weight>
ConvElement conv_element(const Args& a, int64_t image, int64_t i, int64_t j, int64_t o, int64_t first_channel,
                         int64_t last_channel, const Weight& weight) {
  double sum = 0, magnitude = 0;
  for (int64_t p = 0; p < a.kernel_height; ++p) {
    for (int64_t q = 0; q < a.kernel_width; ++q) {
      const int64_t h = i * a.stride + p - a.pad_top, w = j * a.stride + q - a.pad_left;
      if (h < 0 || h >= a.height || w < 0 || w >= a.width) continue;
      for (int64_t c = first_channel; c < last_channel; ++c) {
        const double term = static_cast<double>(a.x[((image * a.height + h) * a.width + w) * a.channels + c]) *
                            static_cast<double>(weight(p, q, c));
        sum += term;
        magnitude += std::abs(term);
      }
    }
  }
  const int64_t at = ((image * a.out_height + i) * a.out_width + j) * a.out_channels + o;
  return finished(sum, magnitude, a.kernel_height * a.kernel_width * (last_channel - first_channel), a.bias[o],
                  a.residual != nullptr ? a.residual[at] : 0, a.activation);
}

inline ConvElement conv2d_element(const Conv2dArgs& a, int64_t image, int64_t i, int64_t j, int64_t o) {
  return conv_element(a, image, i, j, o, 0, a.channels, [&](int64_t p, int64_t q, int64_t c) {
    return a.weight[((o * a.kernel_height + p) * a.kernel_width + q) * a.channels + c];
  });
}

inline ConvElement depthwise_conv_element(const DepthwiseConvArgs& a, int64_t image, int64_t i, int64_t j, int64_t o) {
  return conv_element(a, image, i, j, o, o, o + 1, [&](int64_t p, int64_t q, int64_t c) {
    return a.weight[(p * a.kernel_width + q) * a.channels + c];
  });
}

inline double conv2d_flops(const ConvCase& t) {
  return 2.0 * t.batch * t.out_height * t.out_width * t.out_channels * t.kernel_height * t.kernel_width * t.channels;
}

inline double conv2d_bytes(const ConvCase& t) {
  const double written = 1.0 * t.batch * t.out_height * t.out_width * t.out_channels;
  return 4.0 * (1.0 * t.batch * t.height * t.width * t.channels + written * (t.residual ? 2 : 1) +
                1.0 * t.out_channels * (t.kernel_height * t.kernel_width * t.channels + 1));
}

inline double depthwise_conv_flops(const ConvCase& t) {
  return 2.0 * t.batch * t.out_height * t.out_width * t.channels * t.kernel_height * t.kernel_width;
}

inline double depthwise_conv_bytes(const ConvCase& t) {
  return 4.0 * t.channels *
         (1.0 * t.batch * (t.height * t.width + t.out_height * t.out_width * (t.residual ? 2 : 1)) +
          t.kernel_height * t.kernel_width + 1);
}

}  // namespace assay::kernels::ref
