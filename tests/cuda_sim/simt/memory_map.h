// SPDX-License-Identifier: Apache-2.0
// The memory of the simulated devices. Each device owns a range of addresses of this process, far more than it has
// memory: addresses aren't used again until the range is used up, so that a freed pointer stays recognisable. A table
// says per 256-byte granule how many of its bytes a kernel may touch; this makes the check of an access one load.
//
// Not locked: the runtime's lock (cudart/state.h) is held by whoever changes something, and while kernels run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "tests/cuda_sim/simt/thread.h"

namespace assay::cuda_sim {

struct DeviceRange {
  uint64_t base;
  uint64_t bytes;
  const uint16_t* limits;
};

enum class AllocationKind : uint8_t { kDevice, kPool, kVariable };

struct Allocation {
  uint64_t base = 0;
  size_t bytes = 0;
  int device = 0;
  AllocationKind kind = AllocationKind::kDevice;
  bool is_usable = false;       // false: cudaMallocAsync's stream isn't there yet, or it is freed
  bool is_free_queued = false;  // cudaFreeAsync's stream isn't there yet
  bool is_freed = false;
  bool is_constant = false;
  bool counts_as_written = false;  // it was there before race detection was turned on
  uint64_t number = 0;             // of all allocations, for messages
};

DeviceRange device_range(int device);
// The device whose range holds the address, or -1.
int device_of(uint64_t address);

// From this size on an allocation costs memory only where it is written to.
constexpr size_t kSparseBytes = size_t{1} << 30;

// Address of `bytes` (at least 1) fresh bytes, a multiple of 256, filled with 0xff; kernels may touch them at once or
// only after set_usable(). Whether the device has that much memory is the caller's question.
uint64_t allocate(int device, size_t bytes, AllocationKind kind, bool is_usable);
void set_usable(uint64_t base);
void queue_free(uint64_t base);
// Checks the guard bands, too. The address stays known as freed.
void release(uint64_t base);
size_t num_used_bytes(int device);  // module variables don't count
void set_constant(uint64_t base);
void set_counts_as_written(uint64_t base);
void count_existing_memory_as_written();

// The allocation, freed or not, that holds the address or ends nearest before it; null if there is none.
const Allocation* allocation_at(uint64_t address);
// Whether all bytes belong to one allocation that may be used now.
bool is_usable(uint64_t address, size_t bytes);

// Access from kernels on device `from` to memory of `to`. Memory of a pool has its own (cudaMemPoolSetAccess), and what
// cudaDeviceEnablePeerAccess() allows isn't valid for it.
void set_peer_access(int from, int to, AllocationKind kind, bool on);
bool has_peer_access(int from, int to, AllocationKind kind);
inline bool may_access(int from, const Allocation& allocation) {
  return has_peer_access(from, allocation.device, allocation.kind);
}

// Page-locked host memory, from cudaHostAlloc or cudaHostRegister.
struct HostMemory {
  uint64_t base = 0;
  size_t bytes = 0;
  bool is_registered = false;  // the caller owns the bytes
};
void add_host_memory(const HostMemory& memory);
void remove_host_memory(uint64_t base);
const HostMemory* host_memory_at(uint64_t address);

// What an address is, for messages: "byte 12 of the 1024 bytes of allocation 7", "a host pointer".
std::string describe_address(uint64_t address);

}  // namespace assay::cuda_sim
