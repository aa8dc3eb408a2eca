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

ByteBlock::ByteBlock(void* scratch, int64_t dim, int64_t k) : capacity(k == 0 ? 0 : k + kSpareRows), k_(k) {
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

void ByteBlock::clear(int64_t count, int64_t dim) {
  constexpr float kMost = std::numeric_limits<float>::max();
  const int64_t tiles = (count + kTile - 1) / kTile;
  std::fill(codes, codes + tiles * kTile * (byte_width(dim) / kByteGroup), 0);
  for (int64_t q = 0; q < kPadded; ++q) {
    num_left[q] = correction[q] = 0;
    scale[q] = length[q] = residual[q] = 0;
    best[q] = q < count ? -kMost : kMost;  // nothing reaches the threshold of a query that is not there
  }
  std::fill(lowers_, lowers_ + kMaxBlockQueries * k_, -kMost);
}

void ByteBlock::put(int64_t q, const ByteRow& row, const int8_t* row_codes, int64_t dim, float rounding) {
  const int64_t groups = byte_width(dim) / kByteGroup;
  int32_t* out = codes + q / kTile * kTile * groups + q % kTile;
  int32_t sum = 0;
  for (int64_t g = 0; g < groups; ++g) {
    std::memcpy(out + g * kTile, row_codes + g * kByteGroup, kByteGroup);
    for (int64_t i = 0; i < kByteGroup; ++i) sum += row_codes[g * kByteGroup + i];
  }
  correction[q] = -128 * sum;
  scale[q] = row.scale;
  length[q] = row.length;
  residual[q] = row.residual + rounding * row.length;
}

bool ByteBlock::pack(const float* queries, int64_t count, int64_t dim, float rounding) {
  clear(count, dim);
  for (int64_t q = 0; q < count; ++q) {
    const ByteRow row = encode_row(queries + q * dim, dim, turned_, row_codes_);
    if (!is_tame(row)) return false;
    put(q, row, row_codes_, dim, rounding);
  }
  return true;
}

}  // namespace assay::kernels
