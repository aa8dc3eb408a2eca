// SPDX-License-Identifier: Apache-2.0
// Cells of a convolution's input that meet its outputs by the same taps. A row h of the input is met by the outputs i =
// (h + pad - p) / stride, for the taps p that leave no rest: those of p = (h + pad) mod stride, one in `stride`. Rows h
// = phase, phase + stride, ... have these taps in common, and with n counting them, tap u of theirs meets output n +
// first_output - u: a convolution without stride. Rows and columns alike.
#pragma once

#include <cstdint>

#include "kernels/base/host_device.h"
#include "kernels/conv/conv2d_backward.h"

namespace assay::kernels {

// Sides of grids fit an int, and a GPU's threads have few registers.
struct ConvPhaseAxis {
  int first;         // cell of the axis
  int cells;         // how many
  int first_tap;     // tap u is first_tap + u stride
  int taps;          // may be none
  int first_output;  // of tap 0 at the first cell
};

struct ConvPhase {
  ConvPhaseAxis rows, columns;
  ASSAY_HOST_DEVICE int64_t taps() const { return int64_t{rows.taps} * columns.taps; }
  // Where the phase's cell (image after image, row by row) is among all cells of the input.
  ASSAY_HOST_DEVICE int64_t place(const ConvShape& s, int64_t cell) const {
    const int64_t row = cell / columns.cells, w = cell - row * columns.cells;
    const int64_t image = row / rows.cells, h = row - image * rows.cells;
    return (image * s.height + rows.first + h * s.stride) * s.width + columns.first + w * s.stride;
  }
};

ASSAY_HOST_DEVICE inline ConvPhaseAxis conv_phase_axis(int phase, int size, int kernel, int stride, int pad) {
  const int shifted = phase + pad;
  // Rounded down, for padding may be negative.
  const int output = shifted >= 0 ? shifted / stride : -((stride - 1 - shifted) / stride);
  const int tap = shifted - output * stride;
  return {phase, phase < size ? (size - phase + stride - 1) / stride : 0, tap,
          tap < kernel ? (kernel - tap + stride - 1) / stride : 0, output};
}

// Phase 0 .. stride^2 - 1.
ASSAY_HOST_DEVICE inline ConvPhase conv_phase(const ConvShape& s, int64_t phase) {
  const int stride = static_cast<int>(s.stride), pad_top = static_cast<int>(s.pad_top),
            pad_left = static_cast<int>(s.pad_left);
  return {conv_phase_axis(static_cast<int>(phase / stride), static_cast<int>(s.height),
                          static_cast<int>(s.kernel_height), stride, pad_top),
          conv_phase_axis(static_cast<int>(phase % stride), static_cast<int>(s.width), static_cast<int>(s.kernel_width),
                          stride, pad_left)};
}

}  // namespace assay::kernels
