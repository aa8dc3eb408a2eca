// SPDX-License-Identifier: Apache-2.0
// Allocation of device memory, at once and in stream order, and of page-locked host memory.
#include "tests/cuda_sim/cudart/memory.h"

#include <sys/mman.h>

#include <cstring>

#include "tests/cuda_sim/cudart/runtime.h"
#include "tests/cuda_sim/cudart/work.h"
#include "tests/cuda_sim/simt/memory_map.h"
#include "tests/cuda_sim/simt/options.h"
#include "tests/cuda_sim/simt/race.h"
#include "tests/cuda_sim/simt/report.h"

namespace assay::cuda_sim {
namespace {

int64_t allocations_until_failure = 0;  // 0: none is going to fail

bool is_denied() { return allocations_until_failure > 0 && --allocations_until_failure == 0; }

// The live allocation that starts at the pointer, or an error for the one who frees it.
cudaError_t find_to_free(void* pointer, const char* function, const Allocation*& found) {
  const auto address = reinterpret_cast<uint64_t>(pointer);
  found = allocation_at(address);
  if (found != nullptr && found->base == address && !found->is_freed && !found->is_free_queued &&
      found->kind != AllocationKind::kVariable) {
    return cudaSuccess;
  }
  const bool was_freed = found != nullptr && found->base == address && (found->is_freed || found->is_free_queued);
  report_host(was_freed ? Fault::kFreedMemory : Fault::kBadCall, "%s: %s", function,
              was_freed ? "the pointer was freed before" : describe_address(address).c_str());
  return remember(cudaErrorInvalidValue);
}

cudaError_t bad_stream(const char* function) {
  report_host(Fault::kBadCall, "%s: no such stream, or a destroyed one", function);
  return remember(cudaErrorInvalidResourceHandle);
}

size_t whole_pages(size_t bytes) { return (bytes + 4095) / 4096 * 4096; }

void release_in_stream_order(uint64_t base, const Work& work) {
  if (options().race) check_operation(work.operation, base, allocation_at(base)->bytes, Access::kWrite);
  release(base);
}

}  // namespace

void deny_allocation(int64_t n) { allocations_until_failure = n; }

}  // namespace assay::cuda_sim

using namespace assay::cuda_sim;  // NOLINT: the functions below are the runtime's own, in C

extern "C" {

cudaError_t cudaMalloc(void** pointer, size_t bytes) {
  const Lock lock("cudaMalloc");
  if (lock.error() != cudaSuccess) return lock.error();
  *pointer = nullptr;
  if (bytes == 0) return cudaSuccess;
  const int device = current_device();
  const size_t used = num_used_bytes(device);
  if (is_denied() || bytes > options().memory_bytes || used > options().memory_bytes - bytes) {
    return remember(cudaErrorMemoryAllocation);
  }
  *pointer = reinterpret_cast<void*>(allocate(device, bytes, AllocationKind::kDevice, /*is_usable=*/true));
  return cudaSuccess;
}

cudaError_t cudaFree(void* pointer) {
  const Lock lock("cudaFree");
  if (pointer == nullptr) return lock.error();
  const Allocation* allocation = nullptr;
  const cudaError_t error = find_to_free(pointer, "cudaFree", allocation);
  if (error != cudaSuccess) return error;
  // As on a GPU, all work of the device is over before the memory is gone.
  const uint64_t base = allocation->base;
  wait_for_device(allocation->device);
  release(base);
  return lock.error();
}

cudaError_t cudaMallocAsync(void** pointer, size_t bytes, cudaStream_t handle) {
  const Lock lock("cudaMallocAsync");
  if (lock.error() != cudaSuccess) return lock.error();
  *pointer = nullptr;
  Stream* stream = find_stream(handle);
  if (stream == nullptr) return bad_stream("cudaMallocAsync");
  if (bytes == 0) return cudaSuccess;
  const size_t used = num_used_bytes(stream->device);
  if (is_denied() || bytes > options().memory_bytes || used > options().memory_bytes - bytes) {
    return remember(cudaErrorMemoryAllocation);
  }
  const uint64_t base = allocate(stream->device, bytes, AllocationKind::kPool, /*is_usable=*/false);
  enqueue(*stream, "cudaMallocAsync", [base](const Work& work) {
    set_usable(base);
    if (!options().race) return;
    // A read: whoever writes without being ordered after it is reported, and still nobody has written the bytes.
    check_operation(work.operation, base, allocation_at(base)->bytes, Access::kRead);
  })->runs_always = true;
  *pointer = reinterpret_cast<void*>(base);
  return cudaSuccess;
}

cudaError_t cudaFreeAsync(void* pointer, cudaStream_t handle) {
  const Lock lock("cudaFreeAsync");
  if (pointer == nullptr) return lock.error();
  Stream* stream = find_stream(handle);
  if (stream == nullptr) return bad_stream("cudaFreeAsync");
  const Allocation* allocation = nullptr;
  const cudaError_t error = find_to_free(pointer, "cudaFreeAsync", allocation);
  if (error != cudaSuccess) return error;
  const uint64_t base = allocation->base;
  queue_free(base);
  enqueue(*stream, "cudaFreeAsync", [base](const Work& work) { release_in_stream_order(base, work); })->runs_always =
      true;
  return lock.error();
}

cudaError_t cudaMemGetInfo(size_t* free_bytes, size_t* total_bytes) {
  const Lock lock("cudaMemGetInfo");
  if (lock.error() != cudaSuccess) return lock.error();
  *total_bytes = options().memory_bytes;
  const size_t used = num_used_bytes(current_device());
  *free_bytes = used < options().memory_bytes ? options().memory_bytes - used : 0;
  return cudaSuccess;
}

cudaError_t cudaHostAlloc(void** pointer, size_t bytes, unsigned) {
  const Lock lock("cudaHostAlloc");
  if (lock.error() != cudaSuccess) return lock.error();
  *pointer = nullptr;
  if (bytes == 0) return cudaSuccess;
  if (is_denied()) return remember(cudaErrorMemoryAllocation);
  void* memory = mmap(nullptr, whole_pages(bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return remember(cudaErrorMemoryAllocation);
  std::memset(memory, 0xff, bytes);
  add_host_memory({reinterpret_cast<uint64_t>(memory), bytes, /*is_registered=*/false});
  *pointer = memory;
  return cudaSuccess;
}

cudaError_t cudaMallocHost(void** pointer, size_t bytes) { return cudaHostAlloc(pointer, bytes, cudaHostAllocDefault); }

// Frees or unregisters; a copy that is still pending would touch memory that is gone.
static cudaError_t end_host_memory(void* pointer, bool is_registered, const char* function) {
  const auto base = reinterpret_cast<uint64_t>(pointer);
  const HostMemory* memory = host_memory_at(base);
  if (memory == nullptr || memory->base != base || memory->is_registered != is_registered) {
    report_host(Fault::kBadCall, "%s: %s", function, describe_address(base).c_str());
    return remember(cudaErrorInvalidValue);
  }
  if (const Work* work = pending_work_on_host(base, memory->bytes); work != nullptr) {
    report_host(Fault::kPinnedMemory, "%s while %s on this memory is pending", function, work->name.c_str());
  }
  run_everything();
  const size_t bytes = memory->bytes;
  remove_host_memory(base);
  if (!is_registered) munmap(pointer, whole_pages(bytes));
  return cudaSuccess;
}

cudaError_t cudaFreeHost(void* pointer) {
  const Lock lock("cudaFreeHost");
  if (pointer == nullptr) return lock.error();
  const cudaError_t error = end_host_memory(pointer, /*is_registered=*/false, "cudaFreeHost");
  return error != cudaSuccess ? error : lock.error();
}

cudaError_t cudaHostRegister(void* pointer, size_t bytes, unsigned) {
  const Lock lock("cudaHostRegister");
  if (lock.error() != cudaSuccess) return lock.error();
  const auto base = reinterpret_cast<uint64_t>(pointer);
  if (pointer == nullptr || bytes == 0 || device_of(base) >= 0) return remember(cudaErrorInvalidValue);
  if (host_memory_at(base) != nullptr || host_memory_at(base + bytes - 1) != nullptr) {
    return remember(cudaErrorHostMemoryAlreadyRegistered);
  }
  add_host_memory({base, bytes, /*is_registered=*/true});
  return cudaSuccess;
}

cudaError_t cudaHostUnregister(void* pointer) {
  const Lock lock("cudaHostUnregister");
  const cudaError_t error = end_host_memory(pointer, /*is_registered=*/true, "cudaHostUnregister");
  return error != cudaSuccess ? error : lock.error();
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* pointer) {
  const Lock lock("cudaPointerGetAttributes");
  if (lock.error() != cudaSuccess) return lock.error();
  const auto address = reinterpret_cast<uint64_t>(pointer);
  *attributes = {};
  attributes->type = cudaMemoryTypeUnregistered;
  attributes->device = cudaInvalidDeviceId;
  const Allocation* allocation = allocation_at(address);
  if (allocation != nullptr && !allocation->is_freed && address - allocation->base < allocation->bytes) {
    attributes->type = cudaMemoryTypeDevice;
    attributes->device = allocation->device;
    attributes->devicePointer = const_cast<void*>(pointer);
  } else if (host_memory_at(address) != nullptr) {
    attributes->type = cudaMemoryTypeHost;
    attributes->device = current_device();
    attributes->hostPointer = const_cast<void*>(pointer);
  } else {
    attributes->hostPointer = const_cast<void*>(pointer);
  }
  return cudaSuccess;
}

// One pool per device, its default one: the handle is the device's number plus one.
static cudaMemPool_t pool_of(int device) { return reinterpret_cast<cudaMemPool_t>(static_cast<intptr_t>(device) + 1); }

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int device) {
  const Lock lock("cudaDeviceGetDefaultMemPool");
  if (lock.error() != cudaSuccess) return lock.error();
  const cudaError_t error = check_device(device);
  if (error == cudaSuccess) *pool = pool_of(device);
  return remember(error);
}

cudaError_t cudaDeviceGetMemPool(cudaMemPool_t* pool, int device) { return cudaDeviceGetDefaultMemPool(pool, device); }

// Memory never goes back to an operating system here, so the attributes have nothing to change; they are kept.
static uint64_t& pool_attribute(int device, cudaMemPoolAttr attribute) {
  static uint64_t values[8][16] = {};
  return values[device][static_cast<size_t>(attribute) % 16];
}

static bool is_switch(cudaMemPoolAttr attribute) {
  return attribute == cudaMemPoolReuseFollowEventDependencies || attribute == cudaMemPoolReuseAllowOpportunistic ||
         attribute == cudaMemPoolReuseAllowInternalDependencies;
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value) {
  const Lock lock("cudaMemPoolSetAttribute");
  if (lock.error() != cudaSuccess) return lock.error();
  const int device = static_cast<int>(reinterpret_cast<intptr_t>(pool)) - 1;
  if (check_device(device) != cudaSuccess) return remember(cudaErrorInvalidValue);
  if (is_switch(attribute)) {
    pool_attribute(device, attribute) = static_cast<uint64_t>(*static_cast<int*>(value));
  } else if (attribute == cudaMemPoolAttrReleaseThreshold) {
    pool_attribute(device, attribute) = *static_cast<uint64_t*>(value);
  } else {
    return remember(cudaErrorInvalidValue);
  }
  return cudaSuccess;
}

cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value) {
  const Lock lock("cudaMemPoolGetAttribute");
  if (lock.error() != cudaSuccess) return lock.error();
  const int device = static_cast<int>(reinterpret_cast<intptr_t>(pool)) - 1;
  if (check_device(device) != cudaSuccess) return remember(cudaErrorInvalidValue);
  if (is_switch(attribute)) {
    *static_cast<int*>(value) = static_cast<int>(pool_attribute(device, attribute));
  } else if (attribute == cudaMemPoolAttrReleaseThreshold) {
    *static_cast<uint64_t*>(value) = pool_attribute(device, attribute);
  } else if (attribute == cudaMemPoolAttrUsedMemCurrent || attribute == cudaMemPoolAttrReservedMemCurrent) {
    *static_cast<uint64_t*>(value) = num_used_bytes(device);
  } else {
    return remember(cudaErrorInvalidValue);
  }
  return cudaSuccess;
}

cudaError_t cudaMemPoolSetAccess(cudaMemPool_t pool, const cudaMemAccessDesc* descriptions, size_t count) {
  const Lock lock("cudaMemPoolSetAccess");
  if (lock.error() != cudaSuccess) return lock.error();
  const int owner = static_cast<int>(reinterpret_cast<intptr_t>(pool)) - 1;
  if (check_device(owner) != cudaSuccess) return remember(cudaErrorInvalidValue);
  for (size_t index = 0; index < count; ++index) {
    const cudaMemAccessDesc& description = descriptions[index];
    const bool is_on = description.flags == cudaMemAccessFlagsProtReadWrite;
    const int from = description.location.id;
    if (description.location.type != cudaMemLocationTypeDevice || check_device(from) != cudaSuccess ||
        (!is_on && description.flags != cudaMemAccessFlagsProtNone) || (!is_on && from == owner)) {
      return remember(cudaErrorInvalidValue);
    }
    if (!is_on) wait_for_device(from);
    set_peer_access(from, owner, AllocationKind::kPool, is_on);
  }
  return cudaSuccess;
}

cudaError_t cudaMemPoolTrimTo(cudaMemPool_t pool, size_t) {
  const Lock lock("cudaMemPoolTrimTo");
  const int device = static_cast<int>(reinterpret_cast<intptr_t>(pool)) - 1;
  return remember(check_device(device) == cudaSuccess ? lock.error() : cudaErrorInvalidValue);
}

}  // extern "C"
