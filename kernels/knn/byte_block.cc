// SPDX-License-Identifier: Apache-2.0
#include "kernels/knn/byte_block.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>

#include "kernels/knn/byte_panel.h"

namespace assay::kernels {
namespace {

constexpr int64_t kSpareRows = 64;  // above k, so that lists are seldom full

// Hands out pieces of scratch, or only counts them.
class Pieces {
 public:
  explicit Pieces(void* scratch) : at_(static_cast<std::byte*>(scratch)) {}
  template <class T>
  T* take(int64_t count) {
    const int64_t offset = used_;
    used_ += (count * static_cast<int64_t>(sizeof(T)) + 63) / 64 * 64;
    return at_ == nullptr ? nullptr : reinterpret_cast<T*>(at_ + offset);
  }
  int64_t used() const { return used_; }

 private:
  std::byte* at_;
  int64_t used_ = 0;
};

}  // namespace

int64_t ByteBlock::bytes(int64_t dim, int64_t k) { return ByteBlock(nullptr, dim, k).used_; }

ByteBlock::ByteBlock(void* scratch, int64_t dim, int64_t k) : capacity(k + kSpareRows), k_(k) {
  Pieces pieces(scratch);
  codes = pieces.take<int32_t>(kPadded * byte_width(dim) / kByteGroup);
  correction = pieces.take<int32_t>(kPadded);
  scale = pieces.take<float>(kPadded);
  length = pieces.take<float>(kPadded);
  residual = pieces.take<float>(kPadded);
  best = pieces.take<float>(kPadded);
  slack = pieces.take<float>(kPadded);
  threshold = pieces.take<float>(kPadded);
  num_left = pieces.take<int32_t>(kPadded);
  turned_ = pieces.take<float>(byte_width(dim));
  row_codes_ = pieces.take<int8_t>(byte_width(dim));
  lowers_ = pieces.take<float>(kMaxBlockQueries * k);
  rows_ = pieces.take<Row>(kMaxBlockQueries * capacity);
  used_ = pieces.used();
}

bool ByteBlock::pack(const float* queries, int64_t count, int64_t dim, float rounding) {
  const int64_t groups = byte_width(dim) / kByteGroup;
  for (int64_t q = 0; q < kPadded; ++q) {
    int32_t* out = codes + q / kTile * kTile * groups + q % kTile;
    ByteRow row = {};
    num_left[q] = 0;
    correction[q] = 0;
    // Nothing reaches the threshold of a query that is not there.
    best[q] = q < count ? -std::numeric_limits<float>::max() : std::numeric_limits<float>::max();
    if (q < count) {
      row = encode_row(queries + q * dim, dim, turned_, row_codes_);
      if (!(row.length * row.length * 0.5f <= kMaxHalfNorm)) return false;
      for (int64_t d = 0; d < byte_width(dim); ++d) correction[q] -= 128 * row_codes_[d];
    }
    const bool in_tile = q / kTile * kTile < count;
    for (int64_t g = 0; in_tile && g < groups; ++g) {
      out[g * kTile] = 0;
      if (q < count) std::memcpy(out + g * kTile, row_codes_ + g * kByteGroup, kByteGroup);
    }
    scale[q] = row.scale;
    length[q] = row.length;
    residual[q] = row.residual + rounding * row.length;
  }
  std::fill(lowers_, lowers_ + kMaxBlockQueries * k_, -std::numeric_limits<float>::max());
  return true;
}

}  // namespace assay::kernels
