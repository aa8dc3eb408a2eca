// SPDX-License-Identifier: Apache-2.0
// An array that may be larger than memory, on the backend under test, of which a test touches a few places: for offsets
// beyond 2^31. What was never put there is zero on the CPU, anything on CUDA.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/base/check.h"
#include "tests/support/backend.h"
#include "tests/support/staging.h"

namespace assay::testing {

template <class T>
class SparseArray {
 public:
  explicit SparseArray(int64_t size) : bytes_(static_cast<size_t>(size) * sizeof(T)) {
    if (on_cuda()) {
      data_ = reinterpret_cast<T*>(test_device_allocate(bytes_));
      return;
    }
    void* memory = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    ASSAY_CHECK(memory != MAP_FAILED, "a sparse array of ", bytes_, " bytes: no such range of addresses");
    data_ = static_cast<T*>(memory);
  }
  SparseArray(const SparseArray&) = delete;
  SparseArray& operator=(const SparseArray&) = delete;
  ~SparseArray() {
    if (on_cuda()) {
      test_device_free(reinterpret_cast<std::byte*>(data_));
    } else {
      munmap(data_, bytes_);
    }
  }

  T* data() { return data_; }

  void put(int64_t at, const std::vector<T>& values) {
    if (values.empty()) return;
    if (on_cuda()) {
      test_device_upload(reinterpret_cast<std::byte*>(data_ + at), values.data(), values.size() * sizeof(T));
    } else {
      std::copy(values.begin(), values.end(), data_ + at);
    }
  }

  // Waits for all kernels first.
  std::vector<T> get(int64_t at, int64_t count) const {
    std::vector<T> values(count);
    if (on_cuda()) {
      test_device_download(values.data(), reinterpret_cast<const std::byte*>(data_ + at), values.size() * sizeof(T));
    } else {
      std::copy(data_ + at, data_ + at + count, values.begin());
    }
    return values;
  }

 private:
  size_t bytes_;
  T* data_;
};

}  // namespace assay::testing
