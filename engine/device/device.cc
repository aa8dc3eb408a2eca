// SPDX-License-Identifier: Apache-2.0
#include "engine/device/device.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "engine/device/cuda_api.h"
#include "engine/device/host_memory.h"

namespace assay {
namespace {

std::string gibibytes(int64_t bytes) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.1f GiB", static_cast<double>(bytes) / (1 << 30));
  return buffer;
}

bool is_usable(const DeviceInfo& gpu) { return gpu.capability >= kLeastCapability; }

std::string capability_text(int capability) { return text(capability / 10, ".", capability % 10); }

// "cuda:0 (NVIDIA A100, capability 8.0), cuda:1 (...)".
std::string list_of(const std::vector<DeviceInfo>& gpus) {
  std::string list;
  for (const DeviceInfo& gpu : gpus) {
    list += (list.empty() ? "" : ", ") + to_string(gpu.device) + " (" + gpu.name + ", capability " +
            capability_text(gpu.capability) + ")";
  }
  return list;
}

Result<std::vector<Device>> every_gpu() {
  const Result<std::vector<DeviceInfo>> gpus = find_gpus();
  if (!gpus.ok()) return Status::error("device cuda: ", gpus.message());
  std::vector<Device> usable;
  for (const DeviceInfo& gpu : gpus.value()) {
    if (is_usable(gpu)) usable.push_back(gpu.device);
  }
  if (!usable.empty()) return usable;
  if (gpus.value().empty()) return Status::error("device cuda: this machine has no GPU");
  return Status::error("device cuda: no GPU of this machine has capability ", capability_text(kLeastCapability),
                       " or more: ", list_of(gpus.value()));
}

Result<Device> one_gpu(const std::string& name, const std::string& number) {
  int index = -1;
  const auto [stop, failure] = std::from_chars(number.data(), number.data() + number.size(), index);
  if (failure != std::errc() || stop != number.data() + number.size() || index < 0) {
    return Status::error("device ", name, ": expected cuda:N, N being a number from 0");
  }
  const Result<std::vector<DeviceInfo>> gpus = find_gpus();
  if (!gpus.ok()) return Status::error("device ", name, ": ", gpus.message());
  for (const DeviceInfo& gpu : gpus.value()) {
    if (gpu.device.index != index) continue;
    if (is_usable(gpu)) return gpu.device;
    return Status::error("device ", name, ": ", gpu.name, " has capability ", capability_text(gpu.capability),
                         ", expected at least ", capability_text(kLeastCapability));
  }
  return Status::error("device ", name, ": this machine has ", gpus.value().empty() ? "no GPU" : list_of(gpus.value()));
}

// One name of a list.
Result<std::vector<Device>> devices_of(const std::string& name) {
  if (name == "cpu") return std::vector<Device>{Device::cpu()};
  if (name == "cuda") return every_gpu();
  if (name.compare(0, 5, "cuda:") == 0) {
    const Result<Device> gpu = one_gpu(name, name.substr(5));
    if (!gpu.ok()) return gpu.status();
    return std::vector<Device>{gpu.value()};
  }
  return Status::error("device ", name, ": expected auto, cpu or cuda[:N]");
}

}  // namespace

std::string to_string(const Device& device) { return device.is_cpu() ? "cpu" : text("cuda:", device.index); }

Result<std::vector<DeviceInfo>> find_gpus() {
  const Result<int> count = cuda_api::device_count();
  if (!count.ok()) return count.status();
  std::vector<DeviceInfo> gpus;
  for (int i = 0; i < count.value(); ++i) {
    const cuda_api::Properties p = cuda_api::properties(i);
    gpus.push_back({Device::cuda(i), p.name, p.capability, p.multiprocessors, p.memory_bytes});
  }
  return gpus;
}

int64_t free_memory_bytes(const Device& device) {
  return device.is_cpu() ? free_host_bytes() : cuda_api::memory_info(device.index).free_bytes;
}

Result<std::vector<Device>> devices_from_name(const std::string& name) {
  if (name == "auto") {
    const Result<std::vector<Device>> gpus = every_gpu();
    return std::vector<Device>{gpus.ok() ? gpus.value().front() : Device::cpu()};
  }
  std::vector<Device> devices;
  for (size_t begin = 0; begin <= name.size();) {
    const size_t end = std::min(name.find(',', begin), name.size());
    const Result<std::vector<Device>> some = devices_of(name.substr(begin, end - begin));
    if (!some.ok()) return some.status();
    for (const Device& device : some.value()) {
      if (std::find(devices.begin(), devices.end(), device) != devices.end()) {
        return Status::error("device ", name, ": names ", to_string(device), " twice");
      }
      devices.push_back(device);
    }
    begin = end + 1;
  }
  const bool has_cpu = std::any_of(devices.begin(), devices.end(), [](const Device& d) { return d.is_cpu(); });
  if (has_cpu && devices.size() > 1) return Status::error("device ", name, ": the CPU can only be named by itself");
  return devices;
}

std::string describe(const Device& device) {
  if (device.is_cpu()) return "cpu";
  const cuda_api::Properties p = cuda_api::properties(device.index);
  return to_string(device) + " (" + p.name + ", " + gibibytes(p.memory_bytes) + ")";
}

}  // namespace assay
