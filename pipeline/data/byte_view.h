// SPDX-License-Identifier: Apache-2.0
// Bytes that somebody else owns, with reads that never leave them: the base of every parser of untrusted input.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/base/check.h"

namespace assay::data {

class ByteView {
 public:
  ByteView() = default;
  ByteView(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  ByteView(const std::vector<uint8_t>& bytes) : ByteView(bytes.data(), bytes.size()) {}  // NOLINT: a view of them

  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  bool has(size_t at, size_t count) const { return at <= size_ && count <= size_ - at; }

  // These throw assay::Error past the end.
  uint8_t u8(size_t at) const { return *checked(at, 1); }
  uint32_t u16_big(size_t at) const { return u8(at) << 8 | u8(at + 1); }
  uint32_t u32_big(size_t at) const { return u16_big(at) << 16 | u16_big(at + 2); }
  uint32_t u16_little(size_t at) const { return u8(at) | u8(at + 1) << 8; }
  uint32_t u32_little(size_t at) const { return u16_little(at) | u16_little(at + 2) << 16; }
  ByteView part(size_t at, size_t count) const { return {checked(at, count), count}; }

  // Whether the bytes at `at` are those of the string literal, without its closing zero.
  template <size_t N>
  bool starts_with(const char (&literal)[N], size_t at = 0) const {
    if (!has(at, N - 1)) return false;
    for (size_t i = 0; i + 1 < N; ++i) {
      if (data_[at + i] != static_cast<uint8_t>(literal[i])) return false;
    }
    return true;
  }

 private:
  const uint8_t* checked(size_t at, size_t count) const {
    ASSAY_CHECK(has(at, count), "read of ", count, " bytes at ", at, ", past the end of ", size_);
    return data_ + at;
  }

  const uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace assay::data
