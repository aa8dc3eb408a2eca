// SPDX-License-Identifier: Apache-2.0
// A case's memory on the backend that the program was started for: the host's, or the GPU's own.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "tests/support/staging.h"

namespace assay::bench {

// Bytes of all buffers there are.
inline int64_t& buffer_bytes() {
  static int64_t bytes = 0;
  return bytes;
}

// Aligned as kernels may ask of scratch memory: to 256 bytes on a GPU, to 64 on the CPU.
template <class T>
class Buffer {
 public:
  // Every byte 0xff (NaN as float, -1 as integer), so that an element nobody writes is seen.
  explicit Buffer(int64_t count) : size_(count), memory_(allocate(bytes())) {
    if (testing::on_cuda()) {
      const std::vector<std::byte> blank(bytes(), std::byte{0xff});
      upload(blank.data());
    } else {
      std::memset(memory_, 0xff, bytes());
    }
  }
  explicit Buffer(const std::vector<T>& values)
      : size_(static_cast<int64_t>(values.size())), memory_(allocate(bytes())) {
    upload(values.data());
  }
  Buffer(Buffer&& other) noexcept : size_(other.size_), memory_(other.memory_) {
    other.size_ = 0, other.memory_ = nullptr;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() {
    if (memory_ == nullptr) return;
    buffer_bytes() -= static_cast<int64_t>(bytes());
    testing::on_cuda() ? testing::test_device_free(static_cast<std::byte*>(memory_))
                       : ::operator delete (memory_, std::align_val_t{kHostAlignment});
  }

  T* data() { return static_cast<T*>(memory_); }
  const T* data() const { return static_cast<const T*>(memory_); }
  int64_t size() const { return size_; }

  // A copy on the host of all elements, or of those from `begin` on, once everything launched is done.
  std::vector<T> values() const { return values(0, size_); }
  std::vector<T> values(int64_t begin, int64_t count) const {
    std::vector<T> copy(static_cast<size_t>(std::min(count, size_ - begin)));
    if (copy.empty()) return copy;
    if (testing::on_cuda()) {
      testing::test_device_download(copy.data(), reinterpret_cast<const std::byte*>(data() + begin),
                                    copy.size() * sizeof(T));
    } else {
      std::memcpy(static_cast<void*>(copy.data()), data() + begin, copy.size() * sizeof(T));
    }
    return copy;
  }

 private:
  static constexpr size_t kHostAlignment = 64;

  size_t bytes() const { return static_cast<size_t>(size_) * sizeof(T); }
  static void* allocate(size_t bytes) {
    buffer_bytes() += static_cast<int64_t>(bytes);
    if (testing::on_cuda()) return testing::test_device_allocate(std::max<size_t>(bytes, 1));
    return ::operator new (bytes, std::align_val_t{kHostAlignment});
  }
  void upload(const void* host) {
    if (size_ == 0) return;
    if (testing::on_cuda()) {
      testing::test_device_upload(static_cast<std::byte*>(memory_), host, bytes());
    } else {
      std::memcpy(memory_, host, bytes());
    }
  }

  int64_t size_;
  void* memory_;
};

}  // namespace assay::bench
