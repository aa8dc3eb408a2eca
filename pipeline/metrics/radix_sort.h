// SPDX-License-Identifier: Apache-2.0
// Sorts unsigned integers, many of them: least significant digit first, 8 bits a pass, parallel over fixed chunks.
// Passes whose digit is the same in every value are skipped.
#pragma once

#include <cstdint>
#include <memory>

namespace assay {

// An array whose elements start uninitialised: a vector would touch every page once more, on one thread.
template <class T>
struct RawArray {
  explicit RawArray(int64_t n = 0) : data(new T[n]), size(n) {}
  T* begin() { return data.get(); }
  T* end() { return data.get() + size; }
  const T* begin() const { return data.get(); }
  const T* end() const { return data.get() + size; }

  std::unique_ptr<T[]> data;
  int64_t size;
};

// Ascending, in place; allocates a second array of the same size while it runs. T is uint32_t or uint64_t.
template <class T>
void radix_sort(RawArray<T>& values);

}  // namespace assay
