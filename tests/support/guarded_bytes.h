// SPDX-License-Identifier: Apache-2.0
// A byte buffer for kernel outputs and workspaces: filled with a pattern, between two guard bands, so that a write
// outside is seen, and aligned to nothing. Two runs with different fills tell a byte that nobody wrote.
#pragma once

#include <cstdint>
#include <vector>

namespace assay::testing {

class GuardedBytes {
 public:
  explicit GuardedBytes(int64_t size, uint8_t fill = 0xa5)
      : size_(size), fill_(fill), bytes_(size + 2 * kGuard, fill) {}
  uint8_t* data() { return bytes_.data() + kGuard; }
  // The whole allocation, guard bands included.
  void* block() { return bytes_.data(); }
  size_t block_bytes() const { return bytes_.size(); }
  std::vector<uint8_t> values() const { return {bytes_.begin() + kGuard, bytes_.end() - kGuard}; }
  bool guards_intact() const {
    for (int64_t i = 0; i < kGuard; ++i) {
      if (bytes_[i] != fill_ || bytes_[kGuard + size_ + i] != fill_) return false;
    }
    return true;
  }

 private:
  static constexpr int64_t kGuard = 131;  // longer than a vector, and odd: the data start at no vector's boundary
  int64_t size_;
  uint8_t fill_;
  std::vector<uint8_t> bytes_;
};

}  // namespace assay::testing
