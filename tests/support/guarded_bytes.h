// SPDX-License-Identifier: Apache-2.0
// A byte buffer for kernel outputs and workspaces: filled with a pattern, between two guard bands, so that a write
// outside is seen, and aligned to nothing unless asked. Two runs with different fills tell a byte that nobody wrote.
#pragma once

#include <cstdint>
#include <vector>

namespace assay::testing {

class GuardedBytes {
 public:
  // The data start at a multiple of 16 if the guard is one, and at no vector's boundary by default.
  explicit GuardedBytes(int64_t size, uint8_t fill = 0xa5, int64_t guard = 131)
      : size_(size), guard_(guard), fill_(fill), bytes_(size + 2 * guard, fill) {}
  uint8_t* data() { return bytes_.data() + guard_; }
  // The whole allocation, guard bands included.
  void* block() { return bytes_.data(); }
  size_t block_bytes() const { return bytes_.size(); }
  std::vector<uint8_t> values() const { return {bytes_.begin() + guard_, bytes_.end() - guard_}; }
  bool guards_intact() const {
    for (int64_t i = 0; i < guard_; ++i) {
      if (bytes_[i] != fill_ || bytes_[guard_ + size_ + i] != fill_) return false;
    }
    return true;
  }

 private:
  int64_t size_;
  int64_t guard_;  // longer than a vector
  uint8_t fill_;
  std::vector<uint8_t> bytes_;
};

}  // namespace assay::testing
