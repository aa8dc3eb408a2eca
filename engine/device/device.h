// SPDX-License-Identifier: Apache-2.0
// Where tensors live and kernels run: the CPU, or one of the machine's GPUs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/base/kernel_table.h"
#include "kernels/base/status.h"

namespace assay {

struct Device {
  Backend backend = Backend::kCpu;
  int index = 0;  // of a GPU, from 0; 0 for the CPU

  static Device cpu() { return {}; }
  static Device cuda(int index) { return {Backend::kCuda, index}; }
  bool is_cpu() const { return backend == Backend::kCpu; }
  friend bool operator==(const Device& a, const Device& b) { return a.backend == b.backend && a.index == b.index; }
  friend bool operator!=(const Device& a, const Device& b) { return !(a == b); }
  friend bool operator<(const Device& a, const Device& b) {
    return a.backend != b.backend ? a.backend < b.backend : a.index < b.index;
  }
};

// "cpu", "cuda:1".
std::string to_string(const Device& device);

struct DeviceInfo {
  Device device;
  std::string name;         // "NVIDIA H100 80GB HBM3"
  int capability = 0;       // of CUDA, times ten: 90
  int multiprocessors = 0;  // SMs
  int64_t memory_bytes = 0;
};

constexpr int kLeastCapability = 80;  // kernels are built for it and what came later

// The machine's GPUs, in CUDA's order, whether or not they can be used. An error where the build has no CUDA ("no CUDA
// in this build") or the machine no GPU or driver (CUDA's error by name).
Result<std::vector<DeviceInfo>> find_gpus();

// Bytes that this process can still get: of a GPU by the driver's account, and what the engine keeps there for later
// use; of the host what the system calls available, within the limits of the process and of its control group.
int64_t free_memory_bytes(const Device& device);

// What a user means by a name: "cpu"; "cuda", every GPU that can be used; "cuda:N", that one; several of these joined
// by commas ("cuda:0,cuda:2"); "auto", the first GPU where there is one that can be used, otherwise the CPU. At least
// one device, none twice, the CPU only by itself. An error begins with "device NAME: " and says what there is.
Result<std::vector<Device>> devices_from_name(const std::string& name);

// "cuda:0 (NVIDIA H100 80GB HBM3, 79.6 GiB)"; "cpu".
std::string describe(const Device& device);

}  // namespace assay
