// SPDX-License-Identifier: Apache-2.0
// The sums of conv2d_backward.h in double, in the order of the convolution's own products, with bounds of float32's
// errors, and the cases of tests and benchmarks.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/conv/conv2d_backward.h"

namespace assay::kernels::ref {

struct ConvGradient {
  std::vector<double> value, tolerance;
};

// Calls f(x's element, weight's element, output) for each product of a convolution.
template <class F>
void for_each_conv_product(const ConvShape& s, const F& f) {
  for (int64_t cell = 0; cell < s.num_cells(); ++cell) {
    const int64_t b = cell / s.out_width / s.out_height, i = cell / s.out_width % s.out_height, j = cell % s.out_width;
    for (int64_t p = 0; p < s.kernel_height; ++p) {
      for (int64_t q = 0; q < s.kernel_width; ++q) {
        const int64_t h = i * s.stride + p - s.pad_top, w = j * s.stride + q - s.pad_left;
        if (h < 0 || h >= s.height || w < 0 || w >= s.width) continue;
        for (int64_t o = 0; o < s.out_channels; ++o) {
          for (int64_t c = 0; c < s.channels; ++c) {
            f(((b * s.height + h) * s.width + w) * s.channels + c,
              ((o * s.kernel_height + p) * s.kernel_width + q) * s.channels + c, cell * s.out_channels + o);
          }
        }
      }
    }
  }
}

// The sums that `to` names of products of two factors, each a sum of at most `terms`.
template <class To, class Product>
ConvGradient conv_gradient(const ConvShape& s, int64_t count, int64_t terms, const To& to, const Product& product) {
  ConvGradient g = {std::vector<double>(static_cast<size_t>(count)), std::vector<double>(static_cast<size_t>(count))};
  for_each_conv_product(s, [&](int64_t x, int64_t weight, int64_t y) {
    const double v = product(x, weight, y);
    const auto at = static_cast<size_t>(to(x, weight, y));
    g.value[at] += v;
    g.tolerance[at] += static_cast<double>(terms) * std::ldexp(std::fabs(v), -23);
  });
  return g;
}

inline ConvGradient conv2d_backward_data(const ConvShape& s, const std::vector<double>& grad_y,
                                         const std::vector<double>& weight) {
  return conv_gradient(
      s, s.num_inputs(), s.kernel_height * s.kernel_width * s.out_channels,
      [](int64_t x, int64_t, int64_t) { return x; },
      [&](int64_t, int64_t w, int64_t y) { return weight[static_cast<size_t>(w)] * grad_y[static_cast<size_t>(y)]; });
}

inline ConvGradient conv2d_backward_weight(const ConvShape& s, const std::vector<double>& x,
                                           const std::vector<double>& grad_y) {
  return conv_gradient(
      s, s.num_weights(), s.num_cells(), [](int64_t, int64_t w, int64_t) { return w; },
      [&](int64_t i, int64_t, int64_t y) { return x[static_cast<size_t>(i)] * grad_y[static_cast<size_t>(y)]; });
}

// What a stride of 1 and more makes of padding `pad` on all sides, as PyTorch counts.
inline ConvShape padded_conv(int64_t batch, int64_t height, int64_t width, int64_t channels, int64_t out_channels,
                             int64_t kernel, int64_t stride, int64_t pad) {
  const auto out = [&](int64_t size) { return (size + 2 * pad - kernel) / stride + 1; };
  return {batch, height, width, channels, out(height), out(width), out_channels, kernel, kernel, stride, pad, pad};
}

inline std::string conv_shape_text(const ConvShape& s) {
  const auto t = [](int64_t n) { return std::to_string(n); };
  return t(s.batch) + "x" + t(s.height) + "x" + t(s.width) + "x" + t(s.channels) + ":" + t(s.out_channels) + "," +
         t(s.kernel_height) + "x" + t(s.kernel_width) + "/" + t(s.stride);
}

// The convolution's own; products with the zeros outside count.
inline double conv_shape_flops(const ConvShape& s) {
  return 2.0 * static_cast<double>(s.num_outputs()) * static_cast<double>(s.window());
}
// Each of the three arrays once.
inline double conv_shape_bytes(const ConvShape& s) {
  return 4.0 * static_cast<double>(s.num_inputs() + s.num_outputs() + s.num_weights());
}

}  // namespace assay::kernels::ref
