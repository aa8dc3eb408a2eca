// SPDX-License-Identifier: Apache-2.0
#include "kernels/knn/byte_panel.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace assay::kernels {

void BytePanel::clear(int64_t dim) const {
  std::fill(maxima(), maxima() + 16, 0.0f);
  std::fill(scale(), scale() + kPanelRows, 0.0f);
  std::fill(start(), start() + kPanelRows, -std::numeric_limits<float>::infinity());
  std::memset(codes(), 128, kPanelRows * byte_width(dim));
}

void BytePanel::put(int64_t r, const ByteRow& row, float row_start, const int8_t* row_codes, int64_t dim) const {
  scale()[r] = row.scale;
  start()[r] = row_start;
  maxima()[0] = std::max(maxima()[0], row.residual);
  maxima()[1] = std::max(maxima()[1], row.length);
  uint8_t* out = codes() + r * kByteGroup;
  for (int64_t d = 0; d < byte_width(dim); d += kByteGroup) {
    for (int64_t i = 0; i < kByteGroup; ++i) out[d * kPanelRows + i] = static_cast<uint8_t>(row_codes[d + i] + 128);
  }
}

}  // namespace assay::kernels
