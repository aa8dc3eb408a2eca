// SPDX-License-Identifier: Apache-2.0
#include "engine/memory/storage.h"

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <utility>
#include <vector>

#include "engine/device/cuda_api.h"
#include "kernels/base/check.h"

namespace assay {

// Which streams have used it. A stream that has waited for another need not wait again until there is a new writer.
struct Storage::Uses {
  using StatePtr = std::shared_ptr<Stream::State>;

  std::mutex mutex;
  StatePtr home;                  // where it was allocated and will be released
  StatePtr writer;                // the last one
  std::vector<StatePtr> readers;  // since then, without the writer

  bool is_reader(const StatePtr& stream) const {
    return std::find(readers.begin(), readers.end(), stream) != readers.end();
  }
  void read(const StatePtr& stream) {
    if (stream == writer || is_reader(stream)) return;
    stream->wait_for(*writer);
    readers.push_back(stream);
  }
  void write(const StatePtr& stream) {
    if (stream != writer) stream->wait_for(*writer);
    for (const StatePtr& reader : readers) {
      if (reader != stream) stream->wait_for(*reader);
    }
    readers.clear();
    writer = stream;
  }
};

namespace {

std::byte* allocate_on_host(size_t bytes, const char* tag) {
  ASSAY_CHECK(bytes <= SIZE_MAX - kStorageAlignment, tag, ": ", bytes, " bytes asked for, more than any machine has");
  const size_t rounded = (bytes + kStorageAlignment - 1) / kStorageAlignment * kStorageAlignment;
  return static_cast<std::byte*>(std::aligned_alloc(kStorageAlignment, rounded));
}

}  // namespace

Storage::Storage() = default;

Storage::Storage(size_t bytes, const char* tag, Device device) : bytes_(bytes), tag_(tag), device_(device) {
  if (bytes == 0) return;
  if (!is_allocation_to_fail()) {
    if (device.is_cpu()) {
      data_ = allocate_on_host(bytes, tag);
    } else {
      const std::shared_ptr<Stream::State>& home = current_stream(device).state();
      uses_ = std::make_unique<Uses>();
      uses_->home = uses_->writer = home;
      data_ = static_cast<std::byte*>(cuda_api::allocate(device.index, bytes, home->handle()));
    }
  }
  if (data_ == nullptr) throw OutOfMemory(tag, device, static_cast<int64_t>(bytes));
  count_memory(tag_, device_, static_cast<int64_t>(bytes_));
}

Storage::~Storage() {
  if (data_ == nullptr) return;
  count_memory(tag_, device_, -static_cast<int64_t>(bytes_));
  if (device_.is_cpu()) {
    std::free(data_);
    return;
  }
  try {
    uses_->write(uses_->home);  // after every use
  } catch (const Error&) {
    // A GPU that refuses to wait runs nothing any more. What went wrong there is told by the next call that may throw.
  }
  cuda_api::release(device_.index, data_, uses_->home->handle());
}

Storage::Storage(Storage&& other) noexcept { *this = std::move(other); }

Storage& Storage::operator=(Storage&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  std::swap(tag_, other.tag_);
  std::swap(device_, other.device_);
  std::swap(uses_, other.uses_);
  return *this;
}

std::byte* Storage::data() const {
  ASSAY_CHECK(device_.is_cpu(), tag_, ": lies on ", to_string(device_), ", where the host cannot reach it");
  return data_;
}

void Storage::reads_on(const Stream& stream) const {
  if (uses_ == nullptr) return;
  const std::lock_guard<std::mutex> lock(uses_->mutex);
  uses_->read(stream.state());
}

void Storage::writes_on(const Stream& stream) const {
  if (uses_ == nullptr) return;
  const std::lock_guard<std::mutex> lock(uses_->mutex);
  uses_->write(stream.state());
}

}  // namespace assay
