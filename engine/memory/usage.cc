// SPDX-License-Identifier: Apache-2.0
#include "engine/memory/usage.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <list>
#include <mutex>
#include <utility>
#include <vector>

namespace assay {
namespace {

struct DeviceUsage {
  std::map<std::string, MemoryUsage> by_tag;
  MemoryUsage total;
  std::list<MemoryUsage> meters;
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

// 0 for a GPU that does not answer.
int64_t free_bytes_of(Device device) {
  try {
    return free_memory_bytes(device);
  } catch (const Error&) {
    return 0;
  }
}

std::map<std::string, int64_t> held_on(Device device) {
  std::map<std::string, int64_t> held;
  for (const auto& [tag, usage] : memory_usage(device)) {
    if (usage.live_bytes > 0) held[tag] = usage.live_bytes;
  }
  return held;
}

// " (memory bank 812.5 MiB, images 3.0 MiB)": the largest ones.
std::string list_of_holdings(const std::map<std::string, int64_t>& held) {
  constexpr size_t kMostTags = 6;
  constexpr int64_t kLeastBytes = int64_t{1} << 16;
  std::vector<std::pair<int64_t, std::string>> largest;
  for (const auto& [tag, bytes] : held) {
    if (bytes >= kLeastBytes) largest.emplace_back(bytes, tag);
  }
  std::sort(largest.rbegin(), largest.rend());
  if (largest.size() > kMostTags) largest.resize(kMostTags);
  std::string list;
  for (const auto& [bytes, tag] : largest) {
    char amount[32];
    std::snprintf(amount, sizeof amount, " %.1f MiB", static_cast<double>(bytes) / (1 << 20));
    list += (list.empty() ? " (" : ", ") + tag + amount;
  }
  return list.empty() ? "" : list + ")";
}

std::string describe_shortage(const char* tag, Device device, int64_t bytes, int64_t free_bytes,
                              const std::map<std::string, int64_t>& held) {
  int64_t total = 0;
  for (const auto& [name, held_bytes] : held) total += held_bytes;
  const std::string place = device.is_cpu() ? "" : " on " + to_string(device);
  return text(tag, ": out of memory", place, ", ", bytes, " bytes asked for, ", free_bytes, " free, ", total,
              " held by this program", list_of_holdings(held));
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
  for (MemoryUsage& meter : usage.meters) add(bytes, &meter);
}

MemoryMeter::MemoryMeter(Device device) : device_(device) {
  UsageCounters& c = counters();
  const std::lock_guard<std::mutex> lock(c.mutex);
  usage_ = &c.by_device[device].meters.emplace_back();
}

MemoryMeter::~MemoryMeter() {
  UsageCounters& c = counters();
  const std::lock_guard<std::mutex> lock(c.mutex);
  c.by_device[device_].meters.remove_if([&](const MemoryUsage& meter) { return &meter == usage_; });
}

int64_t MemoryMeter::peak_bytes() const {
  const std::lock_guard<std::mutex> lock(counters().mutex);
  return usage_->peak_bytes;
}

OutOfMemory::OutOfMemory(const char* tag, Device device, int64_t bytes)
    : OutOfMemory(tag, device, bytes, free_bytes_of(device), held_on(device)) {}

OutOfMemory::OutOfMemory(const char* tag, Device device, int64_t bytes, int64_t free_bytes,
                         std::map<std::string, int64_t> held_bytes)
    : Error(describe_shortage(tag, device, bytes, free_bytes, held_bytes)),
      device_(device),
      bytes_(bytes),
      free_bytes_(free_bytes),
      held_bytes_(std::move(held_bytes)) {}

void fail_nth_allocation(int64_t n) { allocations_to_failure = n; }

bool is_allocation_to_fail() {
  if (allocations_to_failure == 0) return false;
  return allocations_to_failure.fetch_sub(1) == 1;
}

}  // namespace assay
