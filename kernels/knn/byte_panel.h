// SPDX-License-Identifier: Apache-2.0
// Where things lie in a panel of a byte bank (byte_bank.h).
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/knn/byte_codes.h"
#include "kernels/knn/packed_bank.h"

namespace assay::kernels {

class BytePanel {
 public:
  explicit BytePanel(std::byte* at) : at_(at) {}
  static int64_t bytes(int64_t dim) { return 4 * (16 + 2 * kPanelRows) + kPanelRows * byte_width(dim); }

  // A panel of no rows; a row of it (start: -|x|^2 / 2).
  void clear(int64_t dim) const;
  void put(int64_t r, const ByteRow& row, float start, const int8_t* row_codes, int64_t dim) const;

  float* maxima() const { return reinterpret_cast<float*>(at_); }  // largest |e|, largest |x'|
  float* scale() const { return maxima() + 16; }                   // (32)
  float* start() const { return scale() + kPanelRows; }            // (32): -|x|^2 / 2, as in the packed bank
  uint8_t* codes() const { return reinterpret_cast<uint8_t*>(start() + kPanelRows); }  // (width / 4, 32, 4)

 private:
  std::byte* at_;
};

}  // namespace assay::kernels
