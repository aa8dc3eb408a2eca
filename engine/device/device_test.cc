// SPDX-License-Identifier: Apache-2.0
// On the CPU: names, and the answers of a machine or a build without a GPU. On CUDA: at least one GPU, as the simulator
// has and test machines do.
#include "engine/device/device.h"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "engine/device/cuda_api.h"
#include "tests/support/backend.h"

namespace assay {
namespace {

std::string error_of(const std::string& name) {
  const auto devices = devices_from_name(name);
  return devices.ok() ? "" : devices.message();
}

TEST_CASE("devices have names and an order") {
  CHECK(to_string(Device::cpu()) == "cpu");
  CHECK(to_string(Device::cuda(3)) == "cuda:3");
  CHECK(Device::cuda(0) != Device::cuda(1));
  CHECK(Device::cpu() != Device::cuda(0));
  CHECK(Device::cpu() < Device::cuda(0));
  CHECK(Device::cuda(0) < Device::cuda(1));
  CHECK(describe(Device::cpu()) == "cpu");
}

TEST_CASE("names that mean no device are refused with what was expected") {
  CHECK(devices_from_name("cpu").value() == std::vector<Device>{Device::cpu()});
  CHECK(error_of("tpu") == "device tpu: expected auto, cpu or cuda[:N]");
  CHECK(error_of("") == "device : expected auto, cpu or cuda[:N]");
  CHECK(error_of("cuda0") == "device cuda0: expected auto, cpu or cuda[:N]");
  CHECK(error_of("cuda:") == "device cuda:: expected cuda:N, N being a number from 0");
  CHECK(error_of("cuda:x") == "device cuda:x: expected cuda:N, N being a number from 0");
  CHECK(error_of("cuda:-1") == "device cuda:-1: expected cuda:N, N being a number from 0");
  CHECK(error_of("cuda:1x") == "device cuda:1x: expected cuda:N, N being a number from 0");
  CHECK(error_of("cpu,cpu") == "device cpu,cpu: names cpu twice");
  CHECK(error_of("cpu,") == "device : expected auto, cpu or cuda[:N]");
}

TEST_CASE("a build without CUDA says so, and computes on the CPU where nothing else was asked for") {
  if (cuda_api::is_in_build()) return;  // what such a build says depends on the machine
  CHECK(find_gpus().message() == "no CUDA in this build");
  CHECK(error_of("cuda") == "device cuda: no CUDA in this build");
  CHECK(error_of("cuda:0") == "device cuda:0: no CUDA in this build");
  CHECK(devices_from_name("auto").value() == std::vector<Device>{Device::cpu()});
}

int64_t kibibytes_of_process(const std::string& key) {
  std::ifstream file("/proc/self/status");
  for (std::string word; file >> word;) {
    int64_t value = 0;
    if (word == key && file >> value) return value;
  }
  return -1;
}

TEST_CASE("what the host has free ends where the limits of the process do") {
  const int64_t without = free_memory_bytes(Device::cpu());
  CHECK(without > 0);
  rlimit before = {};
  REQUIRE(getrlimit(RLIMIT_DATA, &before) == 0);
  rlimit lower = before;
  lower.rlim_cur = static_cast<rlim_t>(kibibytes_of_process("VmData:") * 1024 + (20 << 20));
  REQUIRE(setrlimit(RLIMIT_DATA, &lower) == 0);
  const int64_t within = free_memory_bytes(Device::cpu());
  REQUIRE(setrlimit(RLIMIT_DATA, &before) == 0);
  CHECK(within <= 20 << 20);
  CHECK(within >= std::min<int64_t>(without / 2, 10 << 20));
}

TEST_CASE("GPUs are found, named by number, all at once, or the first") {
  if (!testing::on_cuda()) return;  // needs a GPU
  const auto gpus = find_gpus();
  REQUIRE(gpus.ok());
  REQUIRE(!gpus.value().empty());
  std::vector<Device> all;
  for (const DeviceInfo& gpu : gpus.value()) {
    CHECK(gpu.device.index == static_cast<int>(all.size()));
    CHECK(!gpu.name.empty());
    CHECK(gpu.capability >= kLeastCapability);
    CHECK(gpu.multiprocessors > 0);
    CHECK(gpu.memory_bytes > 0);
    CHECK(free_memory_bytes(gpu.device) <= gpu.memory_bytes);
    CHECK(describe(gpu.device).find(gpu.name) != std::string::npos);
    all.push_back(gpu.device);
  }
  CHECK(devices_from_name("cuda").value() == all);
  CHECK(devices_from_name("auto").value() == std::vector<Device>{Device::cuda(0)});
  CHECK(devices_from_name("cuda:0").value() == std::vector<Device>{Device::cuda(0)});
  const std::string beyond = "cuda:" + std::to_string(all.size());
  CHECK(error_of(beyond).find("device " + beyond + ": this machine has cuda:0 (" + gpus.value()[0].name) == 0);
  CHECK(error_of("cuda:0,cuda:0") == "device cuda:0,cuda:0: names cuda:0 twice");
  CHECK(error_of("cuda:0,cpu") == "device cuda:0,cpu: the CPU can only be named by itself");
  if (all.size() >= 2) CHECK(devices_from_name("cuda:1,cuda:0").value() == std::vector<Device>{all[1], all[0]});
}

}  // namespace
}  // namespace assay
