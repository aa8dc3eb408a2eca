// SPDX-License-Identifier: Apache-2.0
// Memory accesses that the fast path in thread.h doesn't settle: faults, peers' memory, and everything while race
// detection is on.
#include "tests/cuda_sim/simt/block.h"
#include "tests/cuda_sim/simt/memory_map.h"
#include "tests/cuda_sim/simt/race.h"
#include "tests/cuda_sim/simt/report.h"

namespace assay::cuda_sim {
namespace {

const char* access_name(Access access) {
  switch (access) {
    case Access::kRead:
      return "read";
    case Access::kWrite:
      return "write";
    case Access::kAtomic:
      return "atomic access";
    case Access::kAtomicLoad:
      return "atomic load";
  }
  return "access";
}

bool writes(Access access) { return access == Access::kWrite || access == Access::kAtomic; }

void check_alignment(Thread& thread, uint64_t address, uint32_t bytes, uint32_t alignment, Access access,
                     const SourceLine* where) {
  if ((address & (alignment - 1)) == 0) return;
  fail(thread, Fault::kMisaligned, where, "%s of %u bytes at %s, not a multiple of %u", access_name(access), bytes,
       device_of(address) >= 0 ? describe_address(address).c_str() : "an address", alignment);
}

[[noreturn]] void fail_global(Thread& thread, uint64_t address, uint32_t bytes, Access access,
                              const SourceLine* where) {
  const Allocation* near = allocation_at(address);
  Fault fault = Fault::kOutOfBounds;
  if (near != nullptr && address - near->base < near->bytes) {
    if (!near->is_usable) fault = Fault::kFreedMemory;
    if (near->is_usable && near->device != thread.block->device) fault = Fault::kOtherDevice;
  } else if (near == nullptr && device_of(address) < 0 && address >= 4096) {
    fault = Fault::kHostPointer;
  }
  fail(thread, fault, where, "%s of %u bytes on device %d at %s", access_name(access), bytes, thread.block->device,
       describe_address(address).c_str());
}

bool is_in_window(const Thread& thread, uint64_t address) {
  return address - reinterpret_cast<uint64_t>(thread.block->shared_base) < kSharedWindowBytes;
}

// "past the end of tile (1024 bytes)": the array before the offset.
std::string describe_shared(const Thread& thread, uint64_t offset) {
  const Kernel& kernel = *launch_of(thread).kernel;
  const BlockContext& block = *thread.block;
  std::string name = "dynamic shared memory";
  uint64_t begin = kernel.dynamic_shared_offset;
  uint64_t bytes = block.dynamic_shared_bytes;
  bool is_known = block.dynamic_shared_bytes > 0 && offset >= begin;
  for (uint32_t index = 0; index < kernel.num_shared; ++index) {
    const SharedVariable& variable = kernel.shared[index];
    if (offset < variable.offset || (is_known && variable.offset <= begin)) continue;
    name = demangled(variable.name);
    begin = variable.offset;
    bytes = variable.bytes;
    is_known = true;
  }
  if (!is_known) return "offset " + std::to_string(offset) + ", where the kernel has no shared memory";
  return "byte " + std::to_string(offset - begin) + " of " + name + ", which has " + std::to_string(bytes) + " bytes";
}

}  // namespace

namespace detail {

unsigned char* global_slow(Thread& thread, uint64_t address, uint32_t bytes, uint32_t alignment, Access access,
                           const SourceLine* where) {
  check_alignment(thread, address, bytes, alignment, access, where);
  const int device = device_of(address);
  if (device < 0) fail_global(thread, address, bytes, access, where);
  const DeviceRange range = device_range(device);
  const uint64_t offset = address - range.base;
  if ((offset & 255) + bytes > range.limits[offset >> 8] ||
      (device != thread.block->device && !may_access(thread.block->device, *allocation_at(address)))) {
    fail_global(thread, address, bytes, access, where);
  }
  if (thread.block->detailed) {
    if (writes(access) && allocation_at(address)->is_constant) {
      fail(thread, Fault::kReadOnly, where, "%s of a __constant__ variable", access_name(access));
    }
    check_global_race(thread, address, bytes, access, where);
  }
  return reinterpret_cast<unsigned char*>(address);
}

unsigned char* shared_slow(Thread& thread, uint64_t offset, uint32_t bytes, uint32_t alignment, Access access,
                           const SourceLine* where) {
  const BlockContext& block = *thread.block;
  check_alignment(thread, offset, bytes, alignment, access, where);
  if (offset >= block.shared_window_bytes || (offset & 15) + bytes > block.shared_limits[offset >> 4]) {
    // A vector of 32 bytes covers two granules.
    const bool covers_two = bytes == 32 && offset + 16 < block.shared_window_bytes &&
                            block.shared_limits[offset >> 4] == 16 && block.shared_limits[(offset >> 4) + 1] == 16;
    if (!covers_two) {
      fail(thread, Fault::kOutOfBounds, where, "%s of %u bytes of shared memory at %s", access_name(access), bytes,
           describe_shared(thread, offset).c_str());
    }
  }
  if (block.detailed) check_shared_race(thread, offset, bytes, access, where);
  return block.shared_base + offset;
}

unsigned char* generic_slow(Thread& thread, uint64_t address, uint32_t bytes, uint32_t alignment, Access access,
                            const SourceLine* where) {
  if (is_in_window(thread, address)) {
    return shared_access(thread, generic_to_shared(thread, address), bytes, alignment, access, where);
  }
  const Block& block = block_of(thread);
  for (const Stack* stack : block.stacks().all()) {
    if (stack->contains(reinterpret_cast<void*>(address))) {
      return local_access(thread, address, bytes, alignment, access, where);
    }
  }
  const Launch& launch = block.launch();
  for (uint32_t index = 0; index < launch.kernel->num_parameters; ++index) {
    const uint64_t offset = address - reinterpret_cast<uint64_t>(launch.parameters[index]);
    if (offset >= launch.kernel->parameter_bytes[index]) continue;
    if (writes(access)) fail(thread, Fault::kReadOnly, where, "%s of a kernel's parameter", access_name(access));
    check_alignment(thread, address, bytes, alignment, access, where);
    if (offset + bytes > launch.kernel->parameter_bytes[index]) {
      fail(thread, Fault::kOutOfBounds, where, "%s of %u bytes at byte %llu of parameter %u, which has %u bytes",
           access_name(access), bytes, static_cast<unsigned long long>(offset), index,
           launch.kernel->parameter_bytes[index]);
    }
    return reinterpret_cast<unsigned char*>(address);
  }
  return global_slow(thread, address, bytes, alignment, access, where);
}

}  // namespace detail

unsigned char* local_access(Thread& thread, uint64_t address, uint32_t bytes, uint32_t alignment, Access access,
                            const SourceLine* where) {
  check_alignment(thread, address, bytes, alignment, access, where);
  for (const LocalMemory* frame = thread.local; frame != nullptr; frame = frame->outer) {
    const uint64_t offset = address - reinterpret_cast<uint64_t>(frame->base);
    if (offset < frame->bytes && bytes <= frame->bytes - offset) return reinterpret_cast<unsigned char*>(address);
  }
  const Stack* own = thread.state->stack;
  const bool is_own = own->contains(reinterpret_cast<void*>(address));
  fail(thread, Fault::kOutOfBounds, where, "%s of %u bytes of local memory outside %s", access_name(access), bytes,
       is_own ? "the thread's arrays" : "this thread: another thread's, or none");
}

bool is_shared(const Thread& thread, uint64_t address) { return is_in_window(thread, address); }

bool is_local(const Thread& thread, uint64_t address) {
  for (const Stack* stack : block_of(thread).stacks().all()) {
    if (stack->contains(reinterpret_cast<void*>(address))) return true;
  }
  return false;
}

bool is_global(const Thread& thread, uint64_t address) {
  return !is_shared(thread, address) && !is_local(thread, address);
}

}  // namespace assay::cuda_sim
