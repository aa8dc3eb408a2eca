// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution on the CPU: rows of outputs in parallel, each output's channels summed side by side, which the
// compiler vectorises. (The backbone uses oneDNN's convolutions; this is the kernel's twin.)
#include <algorithm>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/conv/conv_activation.h"
#include "kernels/conv/depthwise_conv.h"

namespace assay::kernels {
namespace {

// Adds the window of output (i, j) of image `x`, times the weights, to sum (C).
void add_window(const DepthwiseConvArgs& a, const float* x, int64_t i, int64_t j, float* __restrict__ sum) {
  for (int64_t p = 0; p < a.kernel_height; ++p) {
    const int64_t h = i * a.stride + p - a.pad_top;
    if (h < 0 || h >= a.height) continue;
    for (int64_t q = 0; q < a.kernel_width; ++q) {
      const int64_t w = j * a.stride + q - a.pad_left;
      if (w < 0 || w >= a.width) continue;
      const float* __restrict__ cell = x + (h * a.width + w) * a.channels;
      const float* __restrict__ weight = a.weight + (p * a.kernel_width + q) * a.channels;
      for (int64_t c = 0; c < a.channels; ++c) sum[c] += cell[c] * weight[c];
    }
  }
}

}  // namespace

void depthwise_conv_cpu(const DepthwiseConvArgs& a) {
  parallel_for(a.batch * a.out_height, 1, [&](int64_t begin, int64_t end) {
    std::vector<float> sum(a.channels);
    for (int64_t row = begin; row < end; ++row) {
      const float* x = a.x + row / a.out_height * a.height * a.width * a.channels;
      for (int64_t j = 0; j < a.out_width; ++j) {
        std::fill(sum.begin(), sum.end(), 0.0f);
        add_window(a, x, row % a.out_height, j, sum.data());
        const int64_t first = (row * a.out_width + j) * a.channels;
        for (int64_t c = 0; c < a.channels; ++c) {
          float value = sum[c] + a.bias[c];
          if (a.residual != nullptr) value += a.residual[first + c];
          a.y[first + c] = activate(value, a.activation);
        }
      }
    }
  });
}

}  // namespace assay::kernels
