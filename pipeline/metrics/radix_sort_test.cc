// SPDX-License-Identifier: Apache-2.0
#include "pipeline/metrics/radix_sort.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "kernels/base/parallel.h"

namespace assay {
namespace {

template <class T>
void check_sorts(std::vector<T> values) {
  RawArray<T> array(static_cast<int64_t>(values.size()));
  std::copy(values.begin(), values.end(), array.begin());
  radix_sort(array);
  std::sort(values.begin(), values.end());
  REQUIRE(array.size == static_cast<int64_t>(values.size()));
  CHECK(std::equal(values.begin(), values.end(), array.begin()));
}

template <class T>
void check_sizes_and_ranges() {
  std::mt19937_64 random(1);
  for (const size_t n : {0, 1, 2, 255, 257, 1 << 18, (1 << 18) + 1}) {
    // All bits, few values, one digit in the middle only, all equal.
    for (const uint64_t bits : {~uint64_t{0}, uint64_t{3}, uint64_t{0x3fc00}, uint64_t{0}}) {
      std::vector<T> values(n);
      for (T& v : values) v = static_cast<T>(random() & bits);
      CAPTURE(n);
      CAPTURE(bits);
      check_sorts(values);
    }
  }
}

TEST_CASE("radix_sort sorts like std::sort, for chunk edges, few and many distinct digits, one thread and three") {
  for (const int threads : {1, 3}) {
    set_num_threads(threads);
    check_sizes_and_ranges<uint32_t>();
    check_sizes_and_ranges<uint64_t>();
  }
}

TEST_CASE("radix_sort sorts input that is sorted or reversed already") {
  std::vector<uint32_t> rising(300000);
  for (size_t i = 0; i < rising.size(); ++i) rising[i] = static_cast<uint32_t>(i * 14000);
  check_sorts(rising);
  std::reverse(rising.begin(), rising.end());
  check_sorts(rising);
}

}  // namespace
}  // namespace assay
