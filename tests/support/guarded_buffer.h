// SPDX-License-Identifier: Apache-2.0
// Memory for a kernel's output: every byte is first set to 0xff (NaN as float, -1 as integer), so that an element
// nobody writes is seen, and stands between two guard bands, so that a write outside is seen.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

namespace assay::testing {

template <class T>
class GuardedBuffer {
 public:
  // The data start `offset` elements past a 64-byte boundary: 0 for contracts that demand alignment, else odd.
  explicit GuardedBuffer(int64_t size, int64_t offset = 1) : size_(size), bytes_((size + offset) * sizeof(T) + 192) {
    std::memset(bytes_.data(), 0xff, bytes_.size());
    const uintptr_t base = (reinterpret_cast<uintptr_t>(bytes_.data()) + 64 + 63) / 64 * 64;
    data_ = reinterpret_cast<T*>(base) + offset;
  }
  GuardedBuffer(const GuardedBuffer&) = delete;
  GuardedBuffer& operator=(const GuardedBuffer&) = delete;

  T* data() { return data_; }
  int64_t size() const { return size_; }
  // The whole allocation, guard bands included.
  void* block() { return bytes_.data(); }
  size_t block_bytes() const { return bytes_.size(); }
  T& operator[](int64_t i) { return data_[i]; }
  std::vector<T> values() const { return std::vector<T>(data_, data_ + size_); }
  bool guards_intact() const {
    const auto* begin = reinterpret_cast<const unsigned char*>(data_);
    const auto* end = reinterpret_cast<const unsigned char*>(data_ + size_);
    for (const unsigned char* p = bytes_.data(); p < bytes_.data() + bytes_.size(); ++p) {
      if ((p < begin || p >= end) && *p != 0xff) return false;
    }
    return true;
  }

 private:
  int64_t size_;
  std::vector<unsigned char> bytes_;
  T* data_;
};

}  // namespace assay::testing
