// SPDX-License-Identifier: Apache-2.0
// Maps of a finer grid as rows of a coarser one: where a cell of the grid is `factor` x `factor` cells of the map, its
// row holds all of these, row by row, each with its channels. So levels of several resolutions are one FeatureGrid, and
// are kept and read as one.
#pragma once

#include <cstdint>

#include "engine/tensor/tensor.h"

namespace assay::models {

// cells: (B, h factor, w factor, C) float32. Result (B h w, factor^2 C), image after image. On cells' device.
Tensor pack_cells(const Tensor& cells, int64_t factor);

struct PackedLevel {
  int64_t begin;     // first column of its part of a row
  int64_t channels;  // C
  int64_t factor;
};
// Back from rows (B height width, D). Result (B, height factor, width factor, C).
Tensor unpack_cells(const Tensor& rows, int64_t batch, int64_t height, int64_t width, const PackedLevel& level);

}  // namespace assay::models
