// SPDX-License-Identifier: Apache-2.0
// The antialiased resize from its equation, in double and without rounding anything.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/resize/antialias_resize.h"

namespace assay::kernels {

// Weight of each input pixel in output pixel i, summing to 1.
inline std::vector<double> antialias_weights_ref(int64_t in, int64_t out, int64_t i) {
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  std::vector<double> weights(in);
  double sum = 0;
  for (int64_t j = 0; j < in; ++j) {
    const double t = ((j + 0.5) - (i + 0.5) * scale) / std::max(scale, 1.0);
    weights[j] = std::max(1.0 - std::fabs(t), 0.0);
    sum += weights[j];
  }
  for (double& w : weights) w /= sum;
  return weights;
}

// (H2, W2, C)
inline std::vector<double> antialias_resize_ref(const AntialiasResizeArgs& a) {
  std::vector<double> y;
  std::vector<std::vector<double>> across;
  for (int64_t i = 0; i < a.out_width; ++i) across.push_back(antialias_weights_ref(a.width, a.out_width, i));
  for (int64_t row = 0; row < a.out_height; ++row) {
    const std::vector<double> down = antialias_weights_ref(a.height, a.out_height, row);
    for (int64_t i = 0; i < a.out_width; ++i) {
      for (int64_t c = 0; c < a.channels; ++c) {
        double sum = 0;
        for (int64_t h = 0; h < a.height; ++h) {
          if (down[h] == 0) continue;
          for (int64_t w = 0; w < a.width; ++w) {
            sum += down[h] * across[i][w] * a.x[h * a.x_stride_bytes + w * a.channels + c];
          }
        }
        y.push_back(sum);
      }
    }
  }
  return y;
}

// How far the kernel may lie from it. Each axis rounds to a whole level once (0.5) and its weights to 2^-22 (half a
// unit each, times a pixel of at most 255); the weights sum to one, so the first axis' error is not magnified.
inline double antialias_resize_tolerance(const AntialiasResizeArgs& a) {
  const auto axis = [](int64_t in, int64_t out) {
    const double taps = 2 * std::ceil(std::max(static_cast<double>(in) / static_cast<double>(out), 1.0)) + 1;
    return 0.5 + taps * 255 * 0.5 / (1 << 22);
  };
  return axis(a.width, a.out_width) + axis(a.height, a.out_height);
}

}  // namespace assay::kernels
