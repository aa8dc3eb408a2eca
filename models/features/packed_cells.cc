// SPDX-License-Identifier: Apache-2.0
#include "models/features/packed_cells.h"

#include <numeric>
#include <vector>

#include "engine/ops/gather.h"
#include "kernels/base/check.h"

namespace assay::models {
namespace {

// Both ways exchange the two middle axes of rows of grid cells (.., columns, factor, ..) or (.., factor, columns, ..):
// what stays together are the `factor` cells side by side within a grid cell. Of the result's chunk n, its place
// before.
std::vector<int64_t> exchanged(int64_t rows, int64_t first, int64_t second) {
  std::vector<int64_t> index;
  index.reserve(static_cast<size_t>(rows * first * second));
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t b = 0; b < second; ++b) {
      for (int64_t a = 0; a < first; ++a) index.push_back((row * first + a) * second + b);
    }
  }
  return index;
}

}  // namespace

Tensor pack_cells(const Tensor& cells, int64_t factor) {
  ASSAY_CHECK(cells.rank() == 4 && factor >= 1 && cells.dim(1) % factor == 0 && cells.dim(2) % factor == 0,
              "pack_cells: cells have shape ", to_string(cells.shape()), ", expected (B, H, W, C) with sides of ",
              factor, " and multiples");
  const int64_t rows = cells.dim(0) * cells.dim(1) / factor, columns = cells.dim(2) / factor, channels = cells.dim(3);
  const Shape packed = {rows * columns, factor * factor * channels};
  if (factor == 1) return cells.reshape(packed);
  const Tensor chunks = cells.reshape({rows * factor * columns, factor * channels});
  return ops::gather_rows(chunks, exchanged(rows, factor, columns), "packed cells").reshape(packed);
}

Tensor unpack_cells(const Tensor& rows, int64_t batch, int64_t height, int64_t width, const PackedLevel& level) {
  const auto [begin, channels, factor] = level;
  const int64_t columns = factor * factor * channels;
  ASSAY_CHECK(rows.rank() == 2 && rows.dim(0) == batch * height * width && begin + columns <= rows.dim(1),
              "unpack_cells: rows have shape ", to_string(rows.shape()), ", expected ", batch * height * width,
              " with ", columns, " columns from ", begin);
  const Tensor index = Tensor::empty<int64_t>({columns}, "packed cells");
  std::iota(index.data<int64_t>(), index.data<int64_t>() + columns, begin);
  const Tensor part = columns == rows.dim(1)
                          ? rows
                          : ops::gather_columns(rows, index.to(rows.device(), "packed cells"), "packed cells");
  const Shape cells = {batch, height * factor, width * factor, channels};
  if (factor == 1) return part.reshape(cells);
  const Tensor chunks = part.reshape({rows.dim(0) * factor, factor * channels});
  return ops::gather_rows(chunks, exchanged(batch * height, width, factor), "packed cells").reshape(cells);
}

}  // namespace assay::models
