// SPDX-License-Identifier: Apache-2.0
#include "engine/memory/storage.h"

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <utility>

#include "kernels/base/check.h"

namespace assay {
namespace {

struct UsageCounters {
  std::mutex mutex;
  std::map<std::string, MemoryUsage> by_tag;
};

UsageCounters& counters() {
  static UsageCounters* c = new UsageCounters;  // never destroyed: storage may outlive every static
  return *c;
}

void count(const char* tag, int64_t bytes) {
  UsageCounters& c = counters();
  const std::lock_guard<std::mutex> lock(c.mutex);
  MemoryUsage& u = c.by_tag[tag];
  u.live_bytes += bytes;
  u.peak_bytes = std::max(u.peak_bytes, u.live_bytes);
}

}  // namespace

Storage::Storage(size_t bytes, const char* tag) : bytes_(bytes), tag_(tag) {
  if (bytes == 0) return;
  ASSAY_CHECK(bytes <= SIZE_MAX - kStorageAlignment, tag, ": ", bytes, " bytes asked for, more than any machine has");
  const size_t rounded = (bytes + kStorageAlignment - 1) / kStorageAlignment * kStorageAlignment;
  data_ = static_cast<std::byte*>(std::aligned_alloc(kStorageAlignment, rounded));
  ASSAY_CHECK(data_ != nullptr, tag, ": out of memory, ", bytes, " bytes asked for");
  count(tag_, static_cast<int64_t>(bytes_));
}

Storage::~Storage() {
  if (data_ == nullptr) return;
  std::free(data_);
  count(tag_, -static_cast<int64_t>(bytes_));
}

Storage::Storage(Storage&& other) noexcept { *this = std::move(other); }

Storage& Storage::operator=(Storage&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  std::swap(tag_, other.tag_);
  return *this;
}

std::map<std::string, MemoryUsage> memory_usage() {
  UsageCounters& c = counters();
  const std::lock_guard<std::mutex> lock(c.mutex);
  return c.by_tag;
}

}  // namespace assay
