// SPDX-License-Identifier: Apache-2.0
#include "tests/cuda_sim_vendor/device_work.h"

#include <utility>

#include "tests/cuda_sim/cudart/runtime.h"
#include "tests/cuda_sim/cudart/work.h"
#include "tests/cuda_sim/simt/memory_map.h"
#include "tests/cuda_sim/simt/options.h"
#include "tests/cuda_sim/simt/race.h"
#include "tests/cuda_sim/simt/report.h"

namespace assay::cuda_sim_vendor {
namespace {

uint64_t address_of(const void* pointer) { return reinterpret_cast<uint64_t>(pointer); }

// False: memory isn't there yet, or no more.
bool check_rows(const cuda_sim::Work& work, const std::vector<Rows>& all) {
  for (const Rows& rows : all) {
    if (rows.num_rows == 0 || rows.row_bytes == 0) continue;
    const uint64_t begin = address_of(rows.begin);
    if (!cuda_sim::is_usable(begin, rows.pitch * (rows.num_rows - 1) + rows.row_bytes)) {
      cuda_sim::report_host(cuda_sim::Fault::kFreedMemory, "%s runs and finds %s", work.name.c_str(),
                            cuda_sim::describe_address(begin).c_str());
      return false;
    }
    if (!cuda_sim::options().race) continue;
    for (size_t row = 0; row < rows.num_rows; ++row) {
      cuda_sim::check_operation(work.operation, begin + row * rows.pitch, rows.row_bytes,
                                rows.is_written ? cuda_sim::Access::kWrite : cuda_sim::Access::kRead);
    }
  }
  return true;
}

}  // namespace

void report(const std::string& text) { cuda_sim::report_host(cuda_sim::Fault::kBadCall, "%s", text.c_str()); }

int current_device() {
  const cuda_sim::Lock lock("a library's call");
  return cuda_sim::num_devices() == 0 ? -1 : cuda_sim::current_device();
}

bool is_device_memory(const void* begin, size_t bytes, int device, std::string* why) {
  const cuda_sim::Lock lock("a library's call");
  const uint64_t address = address_of(begin);
  const cuda_sim::Allocation* allocation = cuda_sim::allocation_at(address);
  const bool is_inside = cuda_sim::device_of(address) >= 0 && allocation != nullptr && !allocation->is_freed &&
                         address - allocation->base <= allocation->bytes &&
                         bytes <= allocation->bytes - (address - allocation->base);
  if (is_inside && allocation->device == device) return true;
  *why = std::to_string(bytes) + " bytes at " + cuda_sim::describe_address(address);
  if (is_inside) *why += ", of device " + std::to_string(allocation->device) + " and not " + std::to_string(device);
  return false;
}

cudaError_t enqueue(const char* name, cudaStream_t stream, std::vector<Rows> rows, std::function<void()> work) {
  const cuda_sim::Lock lock(name);
  if (lock.error() != cudaSuccess) return lock.error();
  cuda_sim::Stream* found = cuda_sim::find_stream(stream);
  if (found == nullptr || found->device != cuda_sim::current_device()) return cudaErrorInvalidResourceHandle;
  cuda_sim::enqueue(*found, name, [rows = std::move(rows), work = std::move(work)](const cuda_sim::Work& self) {
    if (check_rows(self, rows)) work();
  });
  return cudaSuccess;
}

}  // namespace assay::cuda_sim_vendor
