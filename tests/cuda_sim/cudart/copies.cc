// SPDX-License-Identifier: Apache-2.0
// Copies and memsets, of ranges and of rows with a pitch, and of module variables.
#include "tests/cuda_sim/cudart/copies.h"

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "tests/cuda_sim/cudart/runtime.h"
#include "tests/cuda_sim/cudart/work.h"
#include "tests/cuda_sim/simt/memory_map.h"
#include "tests/cuda_sim/simt/options.h"
#include "tests/cuda_sim/simt/race.h"
#include "tests/cuda_sim/simt/report.h"

namespace assay::cuda_sim {
namespace {

enum class Place { kDevice, kPinned, kPageable };

Place place_of(uint64_t address) {
  if (device_of(address) >= 0) return Place::kDevice;
  return host_memory_at(address) != nullptr ? Place::kPinned : Place::kPageable;
}

unsigned char* bytes_at(uint64_t address) { return reinterpret_cast<unsigned char*>(address); }

// FNV-1a over words: tells whether the program wrote to a source meanwhile.
uint64_t hash_of(const Copy& copy) {
  uint64_t hash = 14695981039346656037u;
  for (size_t row = 0; row < copy.num_rows; ++row) {
    const unsigned char* bytes = bytes_at(copy.from + row * copy.from_pitch);
    size_t index = 0;
    for (; index + 8 <= copy.row_bytes; index += 8) {
      uint64_t word;
      std::memcpy(&word, bytes + index, 8);
      hash = (hash ^ word) * 1099511628211u;
    }
    for (; index < copy.row_bytes; ++index) hash = (hash ^ bytes[index]) * 1099511628211u;
  }
  return hash;
}

size_t span_bytes(size_t pitch, const Copy& copy) { return pitch * (copy.num_rows - 1) + copy.row_bytes; }

bool kind_fits(cudaMemcpyKind kind, Place from, Place to) {
  const bool from_device = from == Place::kDevice;
  const bool to_device = to == Place::kDevice;
  switch (kind) {
    case cudaMemcpyHostToHost:
      return !from_device && !to_device;
    case cudaMemcpyHostToDevice:
      return !from_device && to_device;
    case cudaMemcpyDeviceToHost:
      return from_device && !to_device;
    case cudaMemcpyDeviceToDevice:
      return from_device && to_device;
    case cudaMemcpyDefault:
      return true;
  }
  return false;
}

// Device memory must be inside one allocation when the call is made. Whether its stream has reached it yet, or still
// may use it, is asked when the work runs.
bool is_in_allocation(uint64_t address, size_t bytes, const char* name) {
  if (place_of(address) != Place::kDevice) return true;
  const Allocation* allocation = allocation_at(address);
  const bool is_inside = allocation != nullptr && address - allocation->base <= allocation->bytes &&
                         bytes <= allocation->bytes - (address - allocation->base);
  if (is_inside && !allocation->is_freed) return true;
  report_host(is_inside ? Fault::kFreedMemory : Fault::kOutOfBounds, "%s of %zu bytes at %s", name, bytes,
              describe_address(address).c_str());
  return false;
}

// False: the memory isn't there yet, or no more.
bool check_rows(const Work& work, uint64_t address, size_t pitch, const Copy& copy, Access access) {
  if (device_of(address) < 0) return true;
  if (!is_usable(address, span_bytes(pitch, copy))) {
    report_host(Fault::kFreedMemory, "%s runs and finds %s", work.name.c_str(), describe_address(address).c_str());
    return false;
  }
  if (!options().race) return true;
  for (size_t row = 0; row < copy.num_rows; ++row) {
    check_operation(work.operation, address + row * pitch, copy.row_bytes, access);
  }
  return true;
}

void run_copy(const Work& work, const Copy& copy, uint64_t expected_hash, bool has_hash) {
  if (!check_rows(work, copy.from, copy.from_pitch, copy, Access::kRead)) return;
  if (!check_rows(work, copy.to, copy.to_pitch, copy, Access::kWrite)) return;
  if (has_hash && hash_of(copy) != expected_hash) {
    report_host(Fault::kPinnedMemory, "the source of %s changed while the copy was pending", work.name.c_str());
  }
  const bool tracks_written = options().race && device_of(copy.from) >= 0 && device_of(copy.to) >= 0;
  for (size_t row = 0; row < copy.num_rows; ++row) {
    const uint64_t from = copy.from + row * copy.from_pitch;
    const uint64_t to = copy.to + row * copy.to_pitch;
    std::memmove(bytes_at(to), bytes_at(from), copy.row_bytes);
    if (tracks_written) copy_written(from, to, copy.row_bytes);
  }
}

// The rows of pageable memory, packed: the runtime reads them before the call returns.
Copy staged(const Copy& copy, std::vector<unsigned char>& buffer) {
  buffer.resize(copy.num_rows * copy.row_bytes);
  for (size_t row = 0; row < copy.num_rows; ++row) {
    std::memcpy(buffer.data() + row * copy.row_bytes, bytes_at(copy.from + row * copy.from_pitch), copy.row_bytes);
  }
  Copy result = copy;
  result.from = reinterpret_cast<uint64_t>(buffer.data());
  result.from_pitch = copy.row_bytes;
  return result;
}

// Until the copy runs, its destination on the host holds nothing that anybody may read. Where other pending work
// still needs the bytes, they stay.
void poison_destination(const Copy& copy) {
  if (pending_work_on_host(copy.to, span_bytes(copy.to_pitch, copy)) != nullptr) return;
  for (size_t row = 0; row < copy.num_rows; ++row)
    std::memset(bytes_at(copy.to + row * copy.to_pitch), 0xff, copy.row_bytes);
}

std::vector<HostRange> host_ranges_of(const Copy& copy, Place from, Place to) {
  std::vector<HostRange> ranges;
  if (from == Place::kPinned) ranges.push_back({copy.from, span_bytes(copy.from_pitch, copy), false});
  if (to == Place::kPinned) ranges.push_back({copy.to, span_bytes(copy.to_pitch, copy), true});
  return ranges;
}

}  // namespace

cudaError_t enqueue_copy(const char* name, const Copy& copy, cudaMemcpyKind kind, cudaStream_t handle, bool is_async) {
  if (copy.row_bytes == 0 || copy.num_rows == 0) return cudaSuccess;
  if (copy.row_bytes > copy.from_pitch || copy.row_bytes > copy.to_pitch) return remember(cudaErrorInvalidPitchValue);
  const Place from = place_of(copy.from);
  const Place to = place_of(copy.to);
  if (!kind_fits(kind, from, to)) {
    report_host(Fault::kBadCall, "%s: the direction doesn't fit the pointers, from %s to %s", name,
                describe_address(copy.from).c_str(), describe_address(copy.to).c_str());
    return remember(cudaErrorInvalidValue);
  }
  if (copy.from == 0 || copy.to == 0) return remember(cudaErrorInvalidValue);
  if (!is_in_allocation(copy.from, span_bytes(copy.from_pitch, copy), name) ||
      !is_in_allocation(copy.to, span_bytes(copy.to_pitch, copy), name)) {
    return remember(cudaErrorInvalidValue);
  }
  Stream* stream = find_stream(handle);
  if (stream == nullptr) {
    report_host(Fault::kBadCall, "%s: no such stream, or a destroyed one", name);
    return remember(cudaErrorInvalidResourceHandle);
  }
  const int device = stream->device;
  std::vector<HostRange> ranges = host_ranges_of(copy, from, to);
  if (to == Place::kPinned && is_async) poison_destination(copy);
  WorkPointer work;
  if (from == Place::kPageable) {
    auto buffer = std::make_shared<std::vector<unsigned char>>();
    const Copy packed = staged(copy, *buffer);
    work = enqueue(
        *stream, name, [packed, buffer](const Work& self) { run_copy(self, packed, 0, false); }, ranges);
  } else {
    const bool has_hash = from == Place::kPinned;
    const uint64_t hash = has_hash ? hash_of(copy) : 0;
    work = enqueue(
        *stream, name, [copy, hash, has_hash](const Work& self) { run_copy(self, copy, hash, has_hash); }, ranges);
  }
  // Between devices nothing waits, not even without "Async". To pageable memory everything does.
  const bool touches_host = from != Place::kDevice || to != Place::kDevice;
  if (to == Place::kPageable || (!is_async && touches_host)) {
    check_launches_were_asked_for(name);
    wait_for(work);
    return remember(device_error(device));
  }
  return cudaSuccess;
}

namespace {

cudaError_t enqueue_memset(const char* name, uint64_t to, size_t pitch, int value, size_t row_bytes, size_t num_rows,
                           cudaStream_t handle) {
  const Lock lock(name);
  if (lock.error() != cudaSuccess) return lock.error();
  if (row_bytes == 0 || num_rows == 0) return cudaSuccess;
  if (row_bytes > pitch || device_of(to) < 0) return remember(cudaErrorInvalidValue);
  Copy rows;
  rows.to = to;
  rows.to_pitch = pitch;
  rows.row_bytes = row_bytes;
  rows.num_rows = num_rows;
  if (!is_in_allocation(to, span_bytes(pitch, rows), name)) return remember(cudaErrorInvalidValue);
  Stream* stream = find_stream(handle);
  if (stream == nullptr) return remember(cudaErrorInvalidResourceHandle);
  enqueue(*stream, name, [rows, value](const Work& work) {
    if (!check_rows(work, rows.to, rows.to_pitch, rows, Access::kWrite)) return;
    for (size_t row = 0; row < rows.num_rows; ++row) {
      std::memset(bytes_at(rows.to + row * rows.to_pitch), value, rows.row_bytes);
    }
  });
  return cudaSuccess;
}

cudaError_t copy_call(const char* name, void* to, size_t to_pitch, const void* from, size_t from_pitch,
                      size_t row_bytes, size_t num_rows, cudaMemcpyKind kind, cudaStream_t stream, bool is_async) {
  const Lock lock(name);
  if (lock.error() != cudaSuccess) return lock.error();
  const Copy copy{
      reinterpret_cast<uint64_t>(to), to_pitch, reinterpret_cast<uint64_t>(from), from_pitch, row_bytes, num_rows};
  return enqueue_copy(name, copy, kind, stream, is_async);
}

}  // namespace
}  // namespace assay::cuda_sim

using namespace assay::cuda_sim;  // NOLINT: the functions below are the runtime's own, in C

extern "C" {

cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  return copy_call("cudaMemcpy", to, bytes, from, bytes, bytes, 1, kind, nullptr, /*is_async=*/false);
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  return copy_call("cudaMemcpyAsync", to, bytes, from, bytes, bytes, 1, kind, stream, /*is_async=*/true);
}

cudaError_t cudaMemcpy2D(void* to, size_t to_pitch, const void* from, size_t from_pitch, size_t width, size_t height,
                         cudaMemcpyKind kind) {
  return copy_call("cudaMemcpy2D", to, to_pitch, from, from_pitch, width, height, kind, nullptr, /*is_async=*/false);
}

cudaError_t cudaMemcpy2DAsync(void* to, size_t to_pitch, const void* from, size_t from_pitch, size_t width,
                              size_t height, cudaMemcpyKind kind, cudaStream_t stream) {
  return copy_call("cudaMemcpy2DAsync", to, to_pitch, from, from_pitch, width, height, kind, stream,
                   /*is_async=*/true);
}

cudaError_t cudaMemcpyPeerAsync(void* to, int to_device, const void* from, int from_device, size_t bytes,
                                cudaStream_t stream) {
  if (device_of(reinterpret_cast<uint64_t>(to)) != to_device ||
      device_of(reinterpret_cast<uint64_t>(from)) != from_device) {
    report_host(Fault::kBadCall, "cudaMemcpyPeer: a pointer isn't of the device that is named");
    return remember(cudaErrorInvalidValue);
  }
  return copy_call("cudaMemcpyPeerAsync", to, bytes, from, bytes, bytes, 1, cudaMemcpyDeviceToDevice, stream,
                   /*is_async=*/true);
}

cudaError_t cudaMemcpyPeer(void* to, int to_device, const void* from, int from_device, size_t bytes) {
  return cudaMemcpyPeerAsync(to, to_device, from, from_device, bytes, nullptr);
}

cudaError_t cudaMemset(void* to, int value, size_t bytes) {
  return enqueue_memset("cudaMemset", reinterpret_cast<uint64_t>(to), bytes, value, bytes, 1, nullptr);
}

cudaError_t cudaMemsetAsync(void* to, int value, size_t bytes, cudaStream_t stream) {
  return enqueue_memset("cudaMemsetAsync", reinterpret_cast<uint64_t>(to), bytes, value, bytes, 1, stream);
}

cudaError_t cudaMemset2D(void* to, size_t pitch, int value, size_t width, size_t height) {
  return enqueue_memset("cudaMemset2D", reinterpret_cast<uint64_t>(to), pitch, value, width, height, nullptr);
}

cudaError_t cudaMemset2DAsync(void* to, size_t pitch, int value, size_t width, size_t height, cudaStream_t stream) {
  return enqueue_memset("cudaMemset2DAsync", reinterpret_cast<uint64_t>(to), pitch, value, width, height, stream);
}

}  // extern "C"
