// SPDX-License-Identifier: Apache-2.0
// Owned memory, aligned for vector loads, counted by purpose.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace assay {

constexpr size_t kStorageAlignment = 64;  // a cache line, and the width of an AVX-512 register

// One allocation. Move-only: a copy is made by whoever wants one, by name.
class Storage {
 public:
  Storage() = default;
  // `tag` says what the bytes are for ("features", "memory bank") and appears in usage reports and in the error of a
  // failed allocation, which throws assay::Error. Contents are uninitialised. Zero bytes are legal: data() is null.
  Storage(size_t bytes, const char* tag);
  ~Storage();
  Storage(Storage&& other) noexcept;
  Storage& operator=(Storage&& other) noexcept;
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  std::byte* data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  std::byte* data_ = nullptr;
  size_t bytes_ = 0;
  const char* tag_ = "";
};

struct MemoryUsage {
  int64_t live_bytes = 0;
  int64_t peak_bytes = 0;
};
// Storage in use now, and the most there ever was, by tag.
std::map<std::string, MemoryUsage> memory_usage();

}  // namespace assay
