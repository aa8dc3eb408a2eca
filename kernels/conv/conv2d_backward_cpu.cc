// SPDX-License-Identifier: Apache-2.0
// Gradients of a convolution on the CPU, as products of matrices.
//
// grad_x: cells whose place in the grid leaves the same rest by the stride have the same taps (p, q), so that they are
// a convolution of grad_y without stride; each such phase is done by itself, pieces of its cells in parallel.
// grad_weight: tap by tap, a block of channels each in parallel, over pieces of the cells in their order.
#include <algorithm>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/conv/conv2d_backward.h"
#include "kernels/conv/conv_phase.h"
#include "kernels/matmul/gemm.h"

namespace assay::kernels {
namespace {

constexpr int64_t kCellsPerPiece = 256;  // of grad_x: as many rows as gemm takes at once
constexpr int64_t kSummedCells = 1024;   // of grad_weight: with a block of channels within the second-level cache
constexpr int64_t kChannelsPerBlock = 64;

// The weights of one phase as a matrix: (tap, O) x C.
std::vector<float> phase_weights(const Conv2dBackwardDataArgs& a, const ConvPhase& phase) {
  const ConvShape& s = a.shape;
  std::vector<float> matrix(static_cast<size_t>(phase.taps() * s.out_channels * s.channels));
  float* to = matrix.data();
  for (int64_t u = 0; u < phase.rows.taps; ++u) {
    for (int64_t v = 0; v < phase.columns.taps; ++v) {
      const int64_t p = phase.rows.first_tap + u * s.stride, q = phase.columns.first_tap + v * s.stride;
      for (int64_t o = 0; o < s.out_channels; ++o, to += s.channels) {
        const float* from = a.weight + ((o * s.kernel_height + p) * s.kernel_width + q) * s.channels;
        std::copy(from, from + s.channels, to);
      }
    }
  }
  return matrix;
}

// What a cell of grad_x sums up: (tap, O), zeros where a tap meets no output.
void copy_taps(const Conv2dBackwardDataArgs& a, const ConvPhase& phase, int64_t cell, float* to) {
  const ConvShape& s = a.shape;
  const int64_t row = cell / phase.columns.cells, w = cell % phase.columns.cells;
  const int64_t b = row / phase.rows.cells, h = row % phase.rows.cells;
  const float* image = a.grad_y + b * s.out_height * s.out_width * s.out_channels;
  for (int64_t u = 0; u < phase.rows.taps; ++u) {
    const int64_t i = h + phase.rows.first_output - u;
    for (int64_t v = 0; v < phase.columns.taps; ++v, to += s.out_channels) {
      const int64_t j = w + phase.columns.first_output - v;
      if (i < 0 || i >= s.out_height || j < 0 || j >= s.out_width) {
        std::fill(to, to + s.out_channels, 0.0f);
      } else {
        const float* from = image + (i * s.out_width + j) * s.out_channels;
        std::copy(from, from + s.out_channels, to);
      }
    }
  }
}

void store_cell(const Conv2dBackwardDataArgs& a, const ConvPhase& phase, int64_t cell, const float* sums) {
  const ConvShape& s = a.shape;
  float* to = a.grad_x + phase.place(s, cell) * s.channels;
  for (int64_t c = 0; c < s.channels; ++c) to[c] = merged_grad(a.mode, to + c, sums[c]);
}

void backward_phase(const Conv2dBackwardDataArgs& a, const ConvPhase& phase) {
  const ConvShape& s = a.shape;
  const std::vector<float> weights = phase_weights(a, phase);
  const int64_t depth = phase.taps() * s.out_channels;
  parallel_for(s.batch * phase.rows.cells * phase.columns.cells, kCellsPerPiece, [&](int64_t begin, int64_t end) {
    std::vector<float> taps(static_cast<size_t>((end - begin) * depth));
    std::vector<float> sums(static_cast<size_t>((end - begin) * s.channels));
    for (int64_t cell = begin; cell < end; ++cell) copy_taps(a, phase, cell, taps.data() + (cell - begin) * depth);
    run(gemm, GemmArgs{taps.data(), weights.data(), sums.data(), end - begin, s.channels, depth,
                       std::max<int64_t>(depth, 1), s.channels, s.channels, false, false});
    for (int64_t cell = begin; cell < end; ++cell)
      store_cell(a, phase, cell, sums.data() + (cell - begin) * s.channels);
  });
}

// Channels first .. first + count - 1 of what tap (p, q) sees of x from cells begin .. end - 1.
void copy_inputs(const Conv2dBackwardWeightArgs& a, int64_t p, int64_t q, int64_t first, int64_t count, int64_t begin,
                 int64_t end, float* to) {
  const ConvShape& s = a.shape;
  for (int64_t cell = begin; cell < end; ++cell, to += count) {
    const int64_t row = cell / s.out_width;
    const int64_t h = row % s.out_height * s.stride + p - s.pad_top, w = cell % s.out_width * s.stride + q - s.pad_left;
    if (h < 0 || h >= s.height || w < 0 || w >= s.width) {
      std::fill(to, to + count, 0.0f);
    } else {
      const float* from = a.x + ((row / s.out_height * s.height + h) * s.width + w) * s.channels + first;
      std::copy(from, from + count, to);
    }
  }
}

void backward_tap(const Conv2dBackwardWeightArgs& a, int64_t tap, int64_t first) {
  const ConvShape& s = a.shape;
  const int64_t count = std::min(kChannelsPerBlock, s.channels - first), cells = s.num_cells();
  std::vector<float> inputs(static_cast<size_t>(std::min(cells, kSummedCells) * count));
  for (int64_t begin = 0; begin == 0 || begin < cells; begin += kSummedCells) {
    const int64_t end = std::min(begin + kSummedCells, cells);
    copy_inputs(a, tap / s.kernel_width, tap % s.kernel_width, first, count, begin, end, inputs.data());
    GemmArgs product = {a.grad_y + begin * s.out_channels,
                        inputs.data(),
                        a.grad_weight + tap * s.channels + first,
                        s.out_channels,
                        count,
                        end - begin,
                        s.out_channels,
                        count,
                        s.window(),
                        true,
                        false};
    product.epilogue.beta = begin > 0 || a.mode == GradMode::kAccumulate ? 1.0f : 0.0f;
    run(gemm, product);
  }
}

}  // namespace

void conv2d_backward_data_cpu(const Conv2dBackwardDataArgs& a) {
  const ConvShape& s = a.shape;
  for (int64_t phase = 0; phase < s.stride * s.stride; ++phase) backward_phase(a, conv_phase(s, phase));
}

void conv2d_backward_weight_cpu(const Conv2dBackwardWeightArgs& a) {
  const ConvShape& s = a.shape;
  const int64_t blocks = (s.channels + kChannelsPerBlock - 1) / kChannelsPerBlock;
  parallel_for(s.kernel_height * s.kernel_width * blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) backward_tap(a, i / blocks, i % blocks * kChannelsPerBlock);
  });
}

}  // namespace assay::kernels
