// SPDX-License-Identifier: Apache-2.0
#include "kernels/statistics/median_mad.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/statistics/statistics_ref.h"
#include "tests/support/backend.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/staging.h"

namespace assay::kernels {
namespace {

using testing::GuardedBuffer;
using testing::Staging;

struct Robust {
  std::vector<float> median, mad;
};

Robust robust(const std::vector<float>& x, int64_t rows, bool with_mad = true) {
  const int64_t cols = static_cast<int64_t>(x.size()) / std::max<int64_t>(rows, 1);
  GuardedBuffer<float> median(rows), mad(rows);
  GuardedBuffer<char> workspace(median_mad_workspace_bytes(testing::test_backend(), rows), 0);
  Staging s;
  run(median_mad, {s.in(x), s.out(median), with_mad ? s.out(mad) : nullptr, rows, cols, s.out(workspace)}, s.stream());
  s.finish();
  CHECK(median.guards_intact());
  CHECK(mad.guards_intact());
  CHECK(workspace.guards_intact());
  return {median.values(), mad.values()};
}

// The median is a value, or the mean of two rounded once; a deviation is rounded once before it is ranked. A rounding
// is half a unit in the last place, which is 2^-149 at least.
constexpr double kSmallestRounding = 0x1p-150;

void check_against_reference(const std::string& kind, int64_t rows, int64_t cols, uint32_t seed) {
  CAPTURE(kind);
  CAPTURE(rows);
  CAPTURE(cols);
  const std::vector<float> x = ref::row(kind, rows * cols, seed);
  const Robust got = robust(x, rows);
  for (int64_t r = 0; r < rows; ++r) {
    const std::vector<double> row(x.begin() + r * cols, x.begin() + (r + 1) * cols);
    const double median = ref::median(row);
    CHECK(std::fabs(got.median[r] - median) <= 0x1p-24 * std::fabs(median) + kSmallestRounding);
    std::vector<double> deviation;
    for (const double v : row) deviation.push_back(std::fabs(v - got.median[r]));
    const double mad = ref::median(deviation);
    CHECK(std::fabs(got.mad[r] - mad) <= 2 * (0x1p-24 * mad + kSmallestRounding));
  }
}

TEST_CASE("median and MAD agree with sorting in double, for odd and even numbers") {
  for (const std::string& kind : ref::kRowKinds) {
    for (const int64_t cols : {1, 2, 3, 4, 31, 32, 33, 256, 257, 8192, 8193}) {
      check_against_reference(kind, 3, cols, static_cast<uint32_t>(cols));
    }
    check_against_reference(kind, 130, 6, 9);  // more rows than a block has threads
  }
}

TEST_CASE("median and MAD of a row by hand, and the median alone") {
  const std::vector<float> x = {5, 1, 100, 2, /**/ 4, 4, 4, -4};
  const Robust got = robust(x, 2);
  CHECK(got.median == std::vector<float>{3.5f, 4});
  CHECK(got.mad == std::vector<float>{2, 0});  // deviations 1.5 2.5 96.5 1.5
  const Robust alone = robust(x, 2, false);
  CHECK(alone.median == got.median);
  CHECK(std::isnan(alone.mad[0]));  // as the buffer was
  CHECK(robust({}, 0).median.empty());
}

TEST_CASE("the median of two values whose sum is beyond float32 lies between them") {
  const Robust got = robust({3e38f, 3.25e38f}, 1);
  CHECK(got.median[0] == static_cast<float>((static_cast<double>(3e38f) + 3.25e38f) / 2));
  CHECK(std::isfinite(got.mad[0]));
}

TEST_CASE("a minority of NaN shifts the median, half a row of NaN makes it NaN, and other rows do not mind") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> x = {1, 2, 3, nan, nan, /**/ 1, 2, nan, nan, nan, /**/ 1, 2, 3, 4, 5};
  const Robust got = robust(x, 3);
  CHECK(got.median[0] == 3);
  CHECK(got.mad[0] == 2);  // of 2 1 0 NaN NaN
  CHECK(std::isnan(got.median[1]));
  CHECK(std::isnan(got.mad[1]));
  CHECK(got.median[2] == 3);
  CHECK(got.mad[2] == 1);
}

TEST_CASE("median and MAD give the same bits for any number of threads") {
  if (testing::on_cuda()) return;  // threads are the CPU's
  const std::vector<float> x = ref::row("wide", 20 * 78, 7);
  set_num_threads(1);
  const Robust one = robust(x, 20);
  set_num_threads(3);
  const Robust three = robust(x, 20);
  CHECK(three.median == one.median);
  CHECK(three.mad == one.mad);
  set_num_threads(2);
}

}  // namespace
}  // namespace assay::kernels
