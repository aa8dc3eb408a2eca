// SPDX-License-Identifier: Apache-2.0
#include "pipeline/metrics/radix_sort.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "kernels/base/parallel.h"

namespace assay {
namespace {

constexpr int kDigitBits = 8;  // 256 output streams: as many as the first-level TLB and caches of today's cores follow
constexpr int kDigits = 1 << kDigitBits;
constexpr int64_t kChunk =
    int64_t{1} << 18;  // 1 MiB of uint32_t: large against its 256 counters, small against a thread
using Counts = std::array<int64_t, kDigits>;

// Turns each chunk's digit counts into its first output position per digit. False where one digit holds all values.
bool counts_to_positions(std::vector<Counts>& chunks, int64_t num_values) {
  int64_t position = 0;
  for (int d = 0; d < kDigits; ++d) {
    const int64_t before = position;
    for (auto& counts : chunks) position += std::exchange(counts[d], position);
    if (position - before == num_values) return false;
  }
  return true;
}

}  // namespace

template <class T>
void radix_sort(RawArray<T>& values) {
  const int64_t n = values.size;
  if (n < 2) return;
  RawArray<T> other(n);
  std::vector<Counts> chunks((n + kChunk - 1) / kChunk);
  for (int shift = 0; shift < static_cast<int>(8 * sizeof(T)); shift += kDigitBits) {
    parallel_for(n, kChunk, [&](int64_t begin, int64_t end) {
      Counts& counts = chunks[begin / kChunk];
      counts.fill(0);
      for (int64_t i = begin; i < end; ++i) ++counts[(values.data[i] >> shift) & (kDigits - 1)];
    });
    if (!counts_to_positions(chunks, n)) continue;
    parallel_for(n, kChunk, [&](int64_t begin, int64_t end) {
      Counts& positions = chunks[begin / kChunk];
      for (int64_t i = begin; i < end; ++i) {
        const T value = values.data[i];
        other.data[positions[(value >> shift) & (kDigits - 1)]++] = value;
      }
    });
    std::swap(values, other);
  }
}

template void radix_sort(RawArray<uint32_t>&);
template void radix_sort(RawArray<uint64_t>&);

}  // namespace assay
