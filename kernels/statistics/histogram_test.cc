// SPDX-License-Identifier: Apache-2.0
#include "kernels/statistics/histogram.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "kernels/base/parallel.h"
#include "tests/support/backend.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/staging.h"

namespace assay::kernels {
namespace {

using testing::GuardedBuffer;
using testing::Staging;

struct Bins {
  int64_t count;
  double low, high;
};

// `calls`: the values come in so many parts.
std::vector<int64_t> counts_of(const std::vector<float>& x, const Bins& bins, int64_t calls = 1) {
  GuardedBuffer<int64_t> counts(bins.count);
  std::fill_n(counts.data(), bins.count, int64_t{0});
  const int64_t n = static_cast<int64_t>(x.size());
  for (int64_t c = 0; c < calls; ++c) {
    const int64_t begin = n * c / calls, end = n * (c + 1) / calls;
    Staging s;
    run(histogram, {s.in(x.data() + begin, end - begin), s.out(counts), end - begin, bins.count, bins.low, bins.high},
        s.stream());
    s.finish();
  }
  CHECK(counts.guards_intact());
  return counts.values();
}

std::vector<float> values(int64_t n, double low, double high, uint32_t seed) {
  std::mt19937 engine(seed);
  std::vector<float> x;
  for (int64_t i = 0; i < n; ++i) x.push_back(static_cast<float>(low + (high - low) * (engine() * 0x1p-32)));
  return x;
}

// By comparing with the bins' edges in long double. A value within 8 roundings of an edge may lie on either side, so
// that the counts up to an edge are compared, with as many values' leeway as there are near it.
void check_against_reference(const std::vector<float>& x, const Bins& bins) {
  CAPTURE(x.size());
  CAPTURE(bins.count);
  const std::vector<int64_t> got = counts_of(x, bins);
  std::vector<float> inside;
  for (const float v : x) {
    if (v >= bins.low && v <= bins.high) inside.push_back(v);
  }
  std::sort(inside.begin(), inside.end());
  CHECK(std::accumulate(got.begin(), got.end(), int64_t{0}) == static_cast<int64_t>(inside.size()));
  const long double width = (static_cast<long double>(bins.high) - bins.low) / bins.count;
  const long double leeway = 8 * 0x1p-53L * (std::fabs(bins.low) + std::fabs(bins.high));
  int64_t up_to = 0, wrong = 0;
  for (int64_t b = 0; b + 1 < bins.count; ++b) {
    up_to += got[b];
    const long double edge = bins.low + (b + 1) * width;
    const auto below = std::lower_bound(inside.begin(), inside.end(), edge - leeway) - inside.begin();
    const auto above = std::upper_bound(inside.begin(), inside.end(), edge + leeway) - inside.begin();
    if (!(below <= up_to && up_to <= above)) ++wrong;
  }
  CHECK(wrong == 0);
}

// 4096 bins are the most that CUDA counts in shared memory, 8192 values what it gives a block.
TEST_CASE("histogram agrees with the edges of its bins, at every edge of warp, block and table") {
  for (const int64_t n : {0, 1, 31, 33, 255, 257, 8191, 8192, 8193, 30000}) {
    for (const int64_t bins : {1, 2, 7, 256, 4096, 4097}) {
      check_against_reference(values(n, -1.5, 2.5, 1), {bins, -1, 2});
    }
  }
  check_against_reference(values(5000, 0, 1e-3, 2), {10, 0, 100});  // all in one bin
  check_against_reference(values(5000, -1e30, 1e30, 3), {50, -1e30, 1e30});
}

TEST_CASE("histogram counts both ends, and nothing outside, infinite or NaN") {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> x = {0, 1, 2, 3, 4, -0.001f, 4.001f, inf, -inf, nan, 3.999f, 1.999f, -0.0f};
  for (const int64_t bins : {4, 4 * 2048}) {
    std::vector<int64_t> counts = counts_of(x, {bins, 0, 4}), quarters;
    for (int64_t q = 0; q < 4; ++q) {
      quarters.push_back(
          std::accumulate(counts.begin() + q * bins / 4, counts.begin() + (q + 1) * bins / 4, int64_t{0}));
    }
    CHECK(quarters == std::vector<int64_t>{2, 2, 1, 3});
    CHECK(counts.back() == (bins == 4 ? 3 : 1));  // 3, 3.999 and 4; narrow bins end at 4 alone
  }
}

TEST_CASE("histogram adds to what is there: calls can be cut anywhere, and threads change nothing") {
  const std::vector<float> x = values(300000, 0, 1, 4);
  const std::vector<int64_t> whole = counts_of(x, {100, 0, 1});
  for (const int64_t calls : {2, 7}) CHECK(counts_of(x, {100, 0, 1}, calls) == whole);
  for (const int threads : {1, 2, 5}) {
    set_num_threads(threads);
    CHECK(counts_of(x, {100, 0, 1}) == whole);
  }
  set_num_threads(2);
}

}  // namespace
}  // namespace assay::kernels
