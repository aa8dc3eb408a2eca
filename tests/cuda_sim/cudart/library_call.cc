// SPDX-License-Identifier: Apache-2.0
#include "tests/cuda_sim/cudart/library_call.h"

#include <utility>

#include "tests/cuda_sim/cudart/runtime.h"
#include "tests/cuda_sim/cudart/work.h"
#include "tests/cuda_sim/simt/memory_map.h"
#include "tests/cuda_sim/simt/options.h"
#include "tests/cuda_sim/simt/race.h"
#include "tests/cuda_sim/simt/report.h"

namespace assay::cuda_sim {
namespace {

uint64_t address_of(const LibraryAccess& access) { return reinterpret_cast<uint64_t>(access.begin); }

size_t span_bytes(const LibraryAccess& access) {
  return access.num_rows > 1 ? access.pitch_bytes * (access.num_rows - 1) + access.row_bytes : access.row_bytes;
}

bool is_empty(const LibraryAccess& access) { return access.row_bytes == 0 || access.num_rows == 0; }

Fault fault_of(const LibraryAccess& access, int device) {
  const Allocation* allocation = allocation_at(address_of(access));
  if (allocation == nullptr) return device_of(address_of(access)) < 0 ? Fault::kHostPointer : Fault::kOutOfBounds;
  const uint64_t offset = address_of(access) - allocation->base;
  if (offset >= allocation->bytes || span_bytes(access) > allocation->bytes - offset) return Fault::kOutOfBounds;
  return may_access(device, *allocation) ? Fault::kFreedMemory : Fault::kOtherDevice;
}

bool report_access(const char* name, const LibraryAccess& access, int device) {
  const Fault fault = fault_of(access, device);
  report_host(fault, "%s: %zu bytes at %s", name, span_bytes(access), describe_address(address_of(access)).c_str());
  break_device(device, fault);
  return false;
}

// When the work runs. False: it can't.
bool check_access(const Work& work, const char* name, const LibraryAccess& access) {
  if (is_empty(access)) return true;
  const uint64_t begin = address_of(access);
  if (!is_usable(begin, span_bytes(access)) || !may_access(work.device, *allocation_at(begin))) {
    return report_access(name, access, work.device);
  }
  if (!options().race) return true;
  for (size_t row = 0; row < access.num_rows; ++row) {
    const uint64_t address = begin + row * access.pitch_bytes;
    if (access.reads && !is_written(address, access.row_bytes)) {
      report_host(Fault::kUninitialised, "%s reads memory that nobody wrote: row %zu of %zu bytes at %s", name, row,
                  access.row_bytes, describe_address(address).c_str());
    }
    if (access.reads) check_operation(work.operation, address, access.row_bytes, Access::kRead);
    if (access.writes) check_operation(work.operation, address, access.row_bytes, Access::kWrite);
  }
  return true;
}

}  // namespace

cudaError_t enqueue_library_call(const char* name, cudaStream_t handle, std::vector<LibraryAccess> accesses,
                                 std::function<void()> run) {
  const Lock lock(name);
  if (lock.error() != cudaSuccess) return lock.error();
  Stream* stream = find_stream(handle);
  if (stream == nullptr) {
    report_host(Fault::kBadCall, "%s: no such stream, or a destroyed one", name);
    return remember(cudaErrorInvalidResourceHandle);
  }
  for (const LibraryAccess& access : accesses) {
    if (is_empty(access)) continue;
    const Fault fault = fault_of(access, stream->device);
    if (fault == Fault::kFreedMemory) continue;  // fits; whether it is there is asked when the work runs
    report_host(fault, "%s: %zu bytes at %s", name, span_bytes(access), describe_address(address_of(access)).c_str());
    return remember(cudaErrorInvalidValue);
  }
  enqueue(*stream, name, [name, accesses = std::move(accesses), run = std::move(run)](const Work& work) {
    bool is_allowed = true;
    for (const LibraryAccess& access : accesses) is_allowed = check_access(work, name, access) && is_allowed;
    if (is_allowed) run();
  });
  return cudaSuccess;
}

}  // namespace assay::cuda_sim
