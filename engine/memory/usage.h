// SPDX-License-Identifier: Apache-2.0
// How much memory is in use on each device, for what, and what happens when there is none left.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "engine/device/device.h"
#include "kernels/base/check.h"

namespace assay {

struct MemoryUsage {
  int64_t live_bytes = 0;
  int64_t peak_bytes = 0;
};
// Storage in use now, and the most there ever was, by tag. Page-locked memory counts as the CPU's.
std::map<std::string, MemoryUsage> memory_usage(Device device = Device::cpu());
// Of all tags together. The peak is that of the sum, not the sum of the peaks.
MemoryUsage total_memory_usage(Device device);

// The most that storage of a device grew by while this lives, whatever thread it belongs to.
class MemoryMeter {
 public:
  explicit MemoryMeter(Device device);
  ~MemoryMeter();
  MemoryMeter(const MemoryMeter&) = delete;
  MemoryMeter& operator=(const MemoryMeter&) = delete;

  int64_t peak_bytes() const;

 private:
  Device device_;
  MemoryUsage* usage_;
};

// An allocation that failed. The message names the tag, the device, the bytes asked for, what is free there, and what
// the engine holds there by tag.
class OutOfMemory : public Error {
 public:
  OutOfMemory(const char* tag, Device device, int64_t bytes);
  Device device() const { return device_; }
  int64_t bytes() const { return bytes_; }
  // When it happened: what nobody held there, and what storage did, by tag.
  int64_t free_bytes() const { return free_bytes_; }
  const std::map<std::string, int64_t>& held_bytes() const { return held_bytes_; }

 private:
  OutOfMemory(const char* tag, Device device, int64_t bytes, int64_t free_bytes,
              std::map<std::string, int64_t> held_bytes);

  Device device_;
  int64_t bytes_;
  int64_t free_bytes_;
  std::map<std::string, int64_t> held_bytes_;
};

// For allocators: counts bytes (negative when they are released) under the tag.
void count_memory(const char* tag, Device device, int64_t bytes);

// For tests: the n-th allocation from now on, in whatever thread, finds no memory. 0 lifts it.
void fail_nth_allocation(int64_t n);
// For allocators: whether this is the one that is to fail.
bool is_allocation_to_fail();

}  // namespace assay
