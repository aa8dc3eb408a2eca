// SPDX-License-Identifier: Apache-2.0
// Carries a test's host buffers to the backend under test and back. On the CPU the buffers themselves are used; on CUDA
// each gets a copy in device memory that starts at the same place within 64 bytes, guard bands and all.
//
//   Staging staging;
//   run(kernel, {staging.in(x), staging.out(y), n}, staging.stream());
//   staging.finish();  // y, a GuardedBuffer, now holds what the kernel wrote, in and beside it
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/base/kernel_table.h"
#include "tests/support/backend.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/guarded_bytes.h"

namespace assay::testing {

// Device memory of a test. staging_cuda.cc, or staging_cpu.cc in builds without CUDA, where they must not be called.
std::byte* test_device_allocate(size_t bytes);
void test_device_free(std::byte* device);
void test_device_upload(std::byte* device, const void* host, size_t bytes);
// Waits for all work of the device, then copies.
void test_device_download(void* host, const std::byte* device, size_t bytes);

class Staging {
 public:
  Staging() = default;
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;
  ~Staging() {
    for (const Copy& c : copies_) test_device_free(c.device);
  }

  StreamHandle stream() const { return {test_backend(), nullptr}; }

  // Input: `count` elements. Null stays null.
  template <class T>
  const T* in(const T* host, int64_t count) {
    if (host == nullptr) return nullptr;
    return static_cast<const T*>(stage(const_cast<T*>(host), host, static_cast<size_t>(count) * sizeof(T), false));
  }
  template <class T>
  const T* in(const std::vector<T>& host) {
    return host.empty() && !on_cuda() ? host.data() : in(host.data(), static_cast<int64_t>(host.size()));
  }
  // An input whose survival finish() is to bring to light, too: the buffer is read back.
  template <class T>
  const T* in(GuardedBuffer<T>& host) {
    return out(host);
  }
  // Output, or in and out, or scratch: its content goes there, and comes back with finish().
  template <class T>
  T* out(GuardedBuffer<T>& host) {
    return static_cast<T*>(stage(host.data(), host.block(), host.block_bytes(), true));
  }
  uint8_t* out(GuardedBytes& host) {
    return static_cast<uint8_t*>(stage(host.data(), host.block(), host.block_bytes(), true));
  }

  // Waits for the kernels and fetches outputs. To be called once, before outputs are looked at.
  void finish() {
    for (const Copy& c : copies_) {
      if (c.fetch) test_device_download(c.host_block, c.block, c.bytes);
    }
  }

 private:
  struct Copy {
    std::byte* device;  // the allocation
    std::byte* block;   // where the copy of host_block begins in it
    void* host_block;
    size_t bytes;
    bool fetch;
  };

  // The address on the backend of `data`, which lies in the host block of `bytes` bytes.
  void* stage(void* data, const void* host_block, size_t bytes, bool fetch) {
    if (!on_cuda()) return data;
    constexpr size_t kAlignment = 64;
    Copy c = {test_device_allocate(bytes + kAlignment), nullptr, const_cast<void*>(host_block), bytes, fetch};
    c.block = c.device + reinterpret_cast<uintptr_t>(host_block) % kAlignment;
    if (bytes > 0) test_device_upload(c.block, host_block, bytes);
    copies_.push_back(c);
    return c.block + (static_cast<const std::byte*>(data) - static_cast<const std::byte*>(host_block));
  }

  std::vector<Copy> copies_;
};

}  // namespace assay::testing
