// SPDX-License-Identifier: Apache-2.0
// Owned memory of one device, aligned for vector loads, counted by purpose.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "engine/device/stream.h"
#include "engine/memory/usage.h"

namespace assay {

constexpr size_t kStorageAlignment = 64;  // a cache line, and the width of an AVX-512 register; CUDA gives 256

// One allocation. Move-only: a copy is made by whoever wants one, by name.
//
// On a GPU it is ordered by streams. Memory is there for work on the stream that is current when it is made, and goes
// back when that stream has got past the destructor and every stream that used it has got past its use. Whoever puts
// work on a stream says so first: reads_on waits there for what was written elsewhere, writes_on for what was written
// or read elsewhere. Uses on one stream cost nothing. Ops do this for their tensors (engine/ops/op_context.h). Several
// threads may read one storage at once; while one writes, no other may use it, as ever.
class Storage {
 public:
  Storage();
  // `tag` says what the bytes are for ("features", "memory bank"), appears in usage reports and must outlive the
  // storage (a literal). A failed allocation throws OutOfMemory. Contents are uninitialised. Zero bytes are legal:
  // address() is null.
  Storage(size_t bytes, const char* tag, Device device = Device::cpu());
  ~Storage();
  Storage(Storage&& other) noexcept;
  Storage& operator=(Storage&& other) noexcept;
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  // For the host to read and write: an assay::Error on a GPU's memory.
  std::byte* data() const;
  // In the address space of the device.
  std::byte* address() const { return data_; }
  size_t bytes() const { return bytes_; }
  Device device() const { return device_; }

  // The stream's next work reads, or writes (and may read), this. On the CPU nothing happens.
  void reads_on(const Stream& stream) const;
  void writes_on(const Stream& stream) const;

 private:
  struct Uses;

  std::byte* data_ = nullptr;
  size_t bytes_ = 0;
  const char* tag_ = "";
  Device device_;
  std::unique_ptr<Uses> uses_;  // on a GPU
};

}  // namespace assay
