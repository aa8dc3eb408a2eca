// SPDX-License-Identifier: Apache-2.0
// Page-locked memory of the host: what a GPU can fetch and deliver beside other work.
#pragma once

#include <cstddef>
#include <utility>

#include "engine/device/stream.h"

namespace assay {

// Grows as asked, never shrinks, move-only. The host fills it and hands it to copies on a stream; used_until marks the
// last of them, and the host may write again (or read what was delivered) once wait() has returned. For a `device` that
// is the CPU it is ordinary memory.
class PinnedBuffer {
 public:
  // `tag` as in Storage.
  PinnedBuffer(Device device, const char* tag) : device_(device), tag_(tag) {}
  PinnedBuffer(PinnedBuffer&& other) noexcept;
  PinnedBuffer& operator=(PinnedBuffer&& other) noexcept;
  PinnedBuffer(const PinnedBuffer&) = delete;
  PinnedBuffer& operator=(const PinnedBuffer&) = delete;
  ~PinnedBuffer();

  // At least so many bytes, aligned to 64; what it held may be gone. Waits first. Throws OutOfMemory.
  std::byte* reserve(size_t bytes);
  std::byte* data() const { return data_; }
  size_t capacity() const { return capacity_; }

  void used_until(Event event) { last_use_ = std::move(event); }
  void wait();

 private:
  void release() noexcept;

  Device device_;
  const char* tag_;
  std::byte* data_ = nullptr;
  size_t capacity_ = 0;
  Event last_use_;
};

}  // namespace assay
