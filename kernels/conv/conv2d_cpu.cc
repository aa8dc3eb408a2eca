// SPDX-License-Identifier: Apache-2.0
// Convolution on the CPU: the windows of some outputs are laid out as the rows of a matrix, which gemm multiplies by
// the weights. Pieces of the outputs in parallel. (The backbone uses oneDNN's convolutions; networks that are trained,
// this.)
#include <algorithm>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/conv/conv2d.h"
#include "kernels/conv/conv_activation.h"
#include "kernels/matmul/gemm.h"

namespace assay::kernels {
namespace {

// The window of output (i, j) of image `x`: (KH, KW, C), zeros outside the grid.
void copy_window(const Conv2dArgs& a, const float* x, int64_t i, int64_t j, float* window) {
  for (int64_t p = 0; p < a.kernel_height; ++p) {
    const int64_t h = i * a.stride + p - a.pad_top;
    for (int64_t q = 0; q < a.kernel_width; ++q, window += a.channels) {
      const int64_t w = j * a.stride + q - a.pad_left;
      if (h < 0 || h >= a.height || w < 0 || w >= a.width) {
        std::fill(window, window + a.channels, 0.0f);
      } else {
        const float* cell = x + (h * a.width + w) * a.channels;
        std::copy(cell, cell + a.channels, window);
      }
    }
  }
}

}  // namespace

void conv2d_cpu(const Conv2dArgs& a) {
  if (a.out_height == 0 || a.out_width == 0 || a.out_channels == 0) return;
  const int64_t depth = a.kernel_height * a.kernel_width * a.channels;
  // As many rows as gemm takes at once.
  parallel_for(a.batch * a.out_height * a.out_width, kGemmRowsPerPiece, [&](int64_t begin, int64_t end) {
    std::vector<float> windows((end - begin) * depth), sums((end - begin) * a.out_channels);
    for (int64_t cell = begin; cell < end; ++cell) {
      const int64_t row = cell / a.out_width;
      const float* x = a.x + row / a.out_height * a.height * a.width * a.channels;
      copy_window(a, x, row % a.out_height, cell % a.out_width, windows.data() + (cell - begin) * depth);
    }
    GemmArgs product = {windows.data(), a.weight,       sums.data(), end - begin, a.out_channels, depth, depth,
                        depth,          a.out_channels, false,       true};
    product.epilogue.bias = a.bias;
    run(gemm, product);
    const int64_t first = begin * a.out_channels;
    for (size_t i = 0; i < sums.size(); ++i) {
      const float other = a.residual != nullptr ? a.residual[first + static_cast<int64_t>(i)] : 0;
      a.y[first + static_cast<int64_t>(i)] = activate(sums[i] + other, a.activation);
    }
  });
}

}  // namespace assay::kernels
