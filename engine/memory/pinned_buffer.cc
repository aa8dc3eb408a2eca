// SPDX-License-Identifier: Apache-2.0
#include "engine/memory/pinned_buffer.h"

#include <cstdlib>

#include "engine/device/cuda_api.h"
#include "engine/memory/storage.h"

namespace assay {

PinnedBuffer::PinnedBuffer(PinnedBuffer&& other) noexcept : device_(other.device_), tag_(other.tag_) {
  *this = std::move(other);
}

PinnedBuffer& PinnedBuffer::operator=(PinnedBuffer&& other) noexcept {
  std::swap(device_, other.device_);
  std::swap(tag_, other.tag_);
  std::swap(data_, other.data_);
  std::swap(capacity_, other.capacity_);
  std::swap(last_use_, other.last_use_);
  return *this;
}

PinnedBuffer::~PinnedBuffer() { release(); }

std::byte* PinnedBuffer::reserve(size_t bytes) {
  wait();
  if (bytes <= capacity_) return data_;
  release();
  const size_t rounded = (bytes + kStorageAlignment - 1) / kStorageAlignment * kStorageAlignment;
  if (!is_allocation_to_fail()) {
    void* memory =
        device_.is_cpu() ? std::aligned_alloc(kStorageAlignment, rounded) : cuda_api::allocate_pinned(rounded);
    data_ = static_cast<std::byte*>(memory);
  }
  if (data_ == nullptr) throw OutOfMemory(tag_, Device::cpu(), static_cast<int64_t>(bytes));
  capacity_ = rounded;
  count_memory(tag_, Device::cpu(), static_cast<int64_t>(capacity_));
  return data_;
}

void PinnedBuffer::wait() {
  last_use_.synchronise();
  last_use_ = Event();
}

void PinnedBuffer::release() noexcept {
  if (data_ == nullptr) return;
  try {
    wait();
  } catch (const Error&) {
    // The stream failed, so nothing will touch the memory any more; the next call on it tells.
  }
  if (device_.is_cpu()) {
    std::free(data_);
  } else {
    cuda_api::release_pinned(data_);
  }
  count_memory(tag_, Device::cpu(), -static_cast<int64_t>(capacity_));
  data_ = nullptr;
  capacity_ = 0;
}

}  // namespace assay
