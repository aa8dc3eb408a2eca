// SPDX-License-Identifier: Apache-2.0
#include "pipeline/features/spill_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace assay::pipeline {
namespace {

// For damage, not for malice. Each step is a bijection of what came before it, so a change within one word of eight
// bytes never goes unnoticed, and any other hardly ever.
uint64_t checksum_of(const Tensor& tensor) {
  uint64_t sum = tensor.bytes();
  for (size_t at = 0; at < tensor.bytes(); at += sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, tensor.raw() + at, std::min(sizeof word, tensor.bytes() - at));
    sum = (sum ^ word) * 0x9E3779B97F4A7C15u;  // odd
    sum ^= sum >> 32;
  }
  return sum;
}

}  // namespace

SpillStore::SpillStore(int64_t num_keys, int64_t budget_bytes, std::string folder, const char* tag)
    : budget_bytes_(budget_bytes), folder_(std::move(folder)), tag_(tag), entries_(num_keys) {}

SpillStore::~SpillStore() {
  if (file_ >= 0) ::close(file_);
}

Status SpillStore::open_file() {
  std::string name = folder_ + "/.assay-tmp-spill-XXXXXX";
  file_ = ::mkostemp(name.data(), O_CLOEXEC);
  if (file_ < 0) {
    return Status::error(folder_, ": cannot make a file for ", tag_,
                         " beyond the memory limit: ", std::strerror(errno));
  }
  ::unlink(name.c_str());
  return Status();
}

Status SpillStore::put(int64_t key, const Tensor& tensor) {
  int64_t offset = -1;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    Entry& entry = entries_.at(key);
    ASSAY_CHECK(!entry.present && entry.offset < 0, tag_, ": key ", key, " is already there");
    entry.shape = tensor.shape();
    entry.dtype = tensor.dtype();
    if (memory_bytes_ + static_cast<int64_t>(tensor.bytes()) <= budget_bytes_) {
      entry.in_memory = tensor;
      entry.present = true;
      memory_bytes_ += static_cast<int64_t>(tensor.bytes());
      return Status();
    }
    if (file_ < 0) ASSAY_RETURN_IF_ERROR(open_file());
    offset = entry.offset = file_bytes_;
    file_bytes_ += static_cast<int64_t>(tensor.bytes());
  }
  for (size_t done = 0; done < tensor.bytes();) {
    const ssize_t n = ::pwrite(file_, tensor.raw() + done, tensor.bytes() - done, offset + static_cast<off_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Status::error(folder_, ": cannot write ", tag_, ": ", std::strerror(n < 0 ? errno : ENOSPC));
    done += static_cast<size_t>(n);
  }
  const uint64_t checksum = checksum_of(tensor);
  const std::lock_guard<std::mutex> lock(mutex_);
  entries_[key].checksum = checksum;
  entries_[key].present = true;
  return Status();
}

bool SpillStore::has(int64_t key) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return entries_.at(key).present;
}

Tensor SpillStore::get(int64_t key) const {
  Entry entry;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    entry = entries_.at(key);
  }
  ASSAY_CHECK(entry.present, tag_, ": key ", key, " was never put");
  if (entry.offset < 0) return entry.in_memory;
  Tensor tensor = Tensor::empty(entry.shape, entry.dtype, tag_);
  for (size_t done = 0; done < tensor.bytes();) {
    const ssize_t n =
        ::pread(file_, tensor.raw() + done, tensor.bytes() - done, entry.offset + static_cast<off_t>(done));
    if (n < 0 && errno == EINTR) continue;
    ASSAY_CHECK(n > 0, folder_, ": cannot read ", tag_,
                " back: ", n < 0 ? std::strerror(errno) : "the file ends early");
    done += static_cast<size_t>(n);
  }
  ASSAY_CHECK(checksum_of(tensor) == entry.checksum, folder_, ": ", tag_,
              " have come back from the file damaged: is the disk sound?");
  return tensor;
}

int64_t SpillStore::bytes_in_memory() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return memory_bytes_;
}

int64_t SpillStore::bytes_in_file() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return file_bytes_;
}

}  // namespace assay::pipeline
