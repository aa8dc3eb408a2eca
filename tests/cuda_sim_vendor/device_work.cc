// SPDX-License-Identifier: Apache-2.0
#include "tests/cuda_sim_vendor/device_work.h"

#include <algorithm>
#include <memory>

#include "tests/cuda_sim/simt/report.h"

namespace assay::cuda_sim_vendor {
namespace {

// Allocations lie further apart than this, so a range that leaves its allocation is seen at one of the probes.
constexpr size_t kProbeBytes = 128;

bool is_device_byte(const unsigned char* byte, int device, std::string* why) {
  cudaPointerAttributes attributes = {};
  if (cudaPointerGetAttributes(&attributes, byte) != cudaSuccess) {
    (void)cudaGetLastError();
    *why = "no memory that CUDA knows";
    return false;
  }
  if (attributes.type == cudaMemoryTypeHost) {
    *why = "pinned host memory";
    return false;
  }
  if (attributes.type != cudaMemoryTypeDevice) {
    *why = "no memory of any device";
    return false;
  }
  if (attributes.device != device) {
    *why = "memory of device " + std::to_string(attributes.device) + ", the call being for " + std::to_string(device);
    return false;
  }
  return true;
}

void run_work(void* data) {
  const std::unique_ptr<std::function<void()>> work(static_cast<std::function<void()>*>(data));
  (*work)();
}

}  // namespace

void report(const std::string& text) { cuda_sim::report_host(cuda_sim::Fault::kBadCall, "%s", text.c_str()); }

int current_device() {
  int device = -1;
  if (cudaGetDevice(&device) != cudaSuccess) {
    (void)cudaGetLastError();
    return -1;
  }
  return device;
}

bool is_device_memory(const void* begin, size_t bytes, int device, std::string* why) {
  const auto* first = static_cast<const unsigned char*>(begin);
  for (size_t offset = 0; offset < bytes; offset += kProbeBytes) {
    if (!is_device_byte(first + offset, device, why)) {
      if (offset > 0) *why = "after " + std::to_string(offset) + " of " + std::to_string(bytes) + " bytes " + *why;
      return false;
    }
  }
  if (bytes == 0 || is_device_byte(first + bytes - 1, device, why)) return true;
  *why = "before the last of " + std::to_string(bytes) + " bytes " + *why;
  return false;
}

cudaError_t enqueue(cudaStream_t stream, std::function<void()> work) {
  auto data = std::make_unique<std::function<void()>>(std::move(work));
  const cudaError_t error = cudaLaunchHostFunc(stream, run_work, data.get());
  if (error == cudaSuccess) (void)data.release();  // run_work owns it now
  return error;
}

}  // namespace assay::cuda_sim_vendor
