// SPDX-License-Identifier: Apache-2.0
#include "engine/memory/usage.h"

#include <algorithm>
#include <atomic>
#include <mutex>

namespace assay {
namespace {

struct DeviceUsage {
  std::map<std::string, MemoryUsage> by_tag;
  MemoryUsage total;
};

struct UsageCounters {
  std::mutex mutex;
  std::map<Device, DeviceUsage> by_device;
};

UsageCounters& counters() {
  static UsageCounters* c = new UsageCounters;  // never destroyed: storage may outlive every static
  return *c;
}

void add(int64_t bytes, MemoryUsage* usage) {
  usage->live_bytes += bytes;
  usage->peak_bytes = std::max(usage->peak_bytes, usage->live_bytes);
}

std::atomic<int64_t> allocations_to_failure{0};

// 0 on the CPU, and on a GPU that does not answer.
int64_t free_bytes_of(Device device) {
  if (device.is_cpu()) return 0;
  try {
    return free_memory_bytes(device);
  } catch (const Error&) {
    return 0;
  }
}

std::string describe_shortage(const char* tag, Device device, int64_t bytes, int64_t held, int64_t free_bytes) {
  if (device.is_cpu()) return text(tag, ": out of memory, ", bytes, " bytes asked for");
  return text(tag, ": out of memory on ", to_string(device), ", ", bytes, " bytes asked for, ", free_bytes, " free, ",
              held, " held by this program");
}

}  // namespace

std::map<std::string, MemoryUsage> memory_usage(Device device) {
  UsageCounters& c = counters();
  const std::lock_guard<std::mutex> lock(c.mutex);
  const auto found = c.by_device.find(device);
  return found == c.by_device.end() ? std::map<std::string, MemoryUsage>() : found->second.by_tag;
}

MemoryUsage total_memory_usage(Device device) {
  UsageCounters& c = counters();
  const std::lock_guard<std::mutex> lock(c.mutex);
  const auto found = c.by_device.find(device);
  return found == c.by_device.end() ? MemoryUsage() : found->second.total;
}

void count_memory(const char* tag, Device device, int64_t bytes) {
  UsageCounters& c = counters();
  const std::lock_guard<std::mutex> lock(c.mutex);
  DeviceUsage& usage = c.by_device[device];
  add(bytes, &usage.by_tag[tag]);
  add(bytes, &usage.total);
}

OutOfMemory::OutOfMemory(const char* tag, Device device, int64_t bytes)
    : OutOfMemory(tag, device, bytes, total_memory_usage(device).live_bytes, free_bytes_of(device)) {}

OutOfMemory::OutOfMemory(const char* tag, Device device, int64_t bytes, int64_t held_bytes, int64_t free_bytes)
    : Error(describe_shortage(tag, device, bytes, held_bytes, free_bytes)),
      device_(device),
      bytes_(bytes),
      held_bytes_(held_bytes),
      free_bytes_(free_bytes) {}

void fail_nth_allocation(int64_t n) { allocations_to_failure = n; }

bool is_allocation_to_fail() {
  if (allocations_to_failure == 0) return false;
  return allocations_to_failure.fetch_sub(1) == 1;
}

}  // namespace assay
