// SPDX-License-Identifier: Apache-2.0
#include "kernels/pool/average_pool.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/pool/average_pool_ref.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/staging.h"
#include "tests/support/targets.h"

namespace assay::kernels {
namespace {

using testing::for_each_target;
using testing::GuardedBuffer;
using testing::Staging;

std::vector<float> random_grids(int64_t count, uint32_t seed) {
  std::mt19937 engine(seed);
  std::vector<float> x(count);
  for (float& v : x) v = static_cast<float>(engine() * 0x1p-32 * 7 - 3);
  return x;
}

// Runs a kernel with x and y `offset` elements past a boundary of 64 bytes.
template <class Run>
std::vector<float> pooled(const std::vector<float>& x, int64_t out_count, int64_t offset, const Run& run_kernel) {
  GuardedBuffer<float> in(static_cast<int64_t>(x.size()), offset);
  std::copy(x.begin(), x.end(), in.data());
  GuardedBuffer<float> y(out_count, offset);
  Staging staging;
  run_kernel(staging.in(in), staging.out(y), staging.stream());
  staging.finish();
  CHECK(y.guards_intact());
  CHECK(in.guards_intact());
  return y.values();
}

std::vector<float> average(const std::vector<float>& x, const AveragePoolCase& s, int64_t offset = 1) {
  const int64_t count = s.batch * s.out_height() * s.out_width() * s.channels;
  return pooled(x, count, offset, [&](const float* in, float* y, const StreamHandle& stream) {
    run(average_pool,
        {in, y, s.height, s.width, s.channels, s.out_height(), s.out_width(), s.window, s.stride, s.padding,
         s.padding_count, s.batch},
        stream);
  });
}

std::vector<float> adaptive(const std::vector<float>& x, const AdaptiveAveragePoolCase& s, int64_t offset = 1) {
  const int64_t count = s.batch * s.out_height * s.out_width * s.channels;
  return pooled(x, count, offset, [&](const float* in, float* y, const StreamHandle& stream) {
    run(adaptive_average_pool, {in, y, s.height, s.width, s.channels, s.out_height, s.out_width, s.batch}, stream);
  });
}

// A sum of n terms in order, then a division: at most n + 1 roundings of partial sums, each below n * magnitude / n.
void check_close(const std::vector<float>& y, const PoolExpected& expected, int64_t terms) {
  REQUIRE(y.size() == expected.mean.size());
  int64_t wrong = 0;
  for (size_t i = 0; i < y.size(); ++i) {
    const double tolerance = static_cast<double>(terms + 1) * 0x1p-24 * expected.magnitude[i];
    if (!(std::fabs(y[i] - expected.mean[i]) <= tolerance)) ++wrong;
  }
  CHECK(wrong == 0);
}

void check_average(const AveragePoolCase& s, uint32_t seed) {
  INFO(s.batch, "x", s.height, "x", s.width, "x", s.channels, ", window ", s.window, " stride ", s.stride, " padding ",
       s.padding, ", seed ", seed);
  const std::vector<float> x = random_grids(s.batch * s.height * s.width * s.channels, seed);
  const std::vector<float> y = average(x, s);
  CHECK(average(x, s, 0) == y);
  check_close(y, average_pool_ref(x, s), s.window * s.window);
}

void check_adaptive(const AdaptiveAveragePoolCase& s, uint32_t seed) {
  INFO(s.batch, "x", s.height, "x", s.width, "x", s.channels, " to ", s.out_height, "x", s.out_width, ", seed ", seed);
  const std::vector<float> x = random_grids(s.batch * s.height * s.width * s.channels, seed);
  const std::vector<float> y = adaptive(x, s);
  CHECK(adaptive(x, s, 0) == y);
  check_close(y, adaptive_average_pool_ref(x, s), s.height * s.width);
}

TEST_CASE("average_pool agrees with the double reference at the edges of every width") {
  for_each_target([](const char* target) {
    CAPTURE(target);
    for (const AveragePoolCase& s : kAveragePoolCases) check_average(s, 1);
  });
}

TEST_CASE("average_pool agrees with the double reference on random shapes") {
  for_each_target([](const char* target) {
    CAPTURE(target);
    std::mt19937 engine(7);
    for (uint32_t seed = 0; seed < 60; ++seed) {
      const auto below = [&](int64_t n) { return static_cast<int64_t>(engine() % n); };
      const int64_t window = below(5) + 1;
      const PaddingCount count = engine() % 2 == 0 ? PaddingCount::kIncluded : PaddingCount::kExcluded;
      check_average({below(12), below(12), below(40), window, below(4) + 1, below(window / 2 + 1), count, below(3)},
                    seed);
    }
  });
}

TEST_CASE("adaptive_average_pool agrees with the double reference at the edges of every width") {
  for_each_target([](const char* target) {
    CAPTURE(target);
    for (const AdaptiveAveragePoolCase& s : kAdaptiveAveragePoolCases) check_adaptive(s, 1);
  });
}

TEST_CASE("adaptive_average_pool agrees with the double reference on random shapes") {
  for_each_target([](const char* target) {
    CAPTURE(target);
    std::mt19937 engine(9);
    for (uint32_t seed = 0; seed < 60; ++seed) {
      const auto below = [&](int64_t n) { return static_cast<int64_t>(engine() % n); };
      check_adaptive({below(12) + 1, below(12) + 1, below(40), below(15), below(15), below(3)}, seed);
    }
  });
}

TEST_CASE("average_pool counts the zeros beyond the border only if asked") {
  const std::vector<float> ones(4, 1.0f);
  const AveragePoolCase included = {2, 2, 1, 2, 2, 1};
  AveragePoolCase excluded = included;
  excluded.padding_count = PaddingCount::kExcluded;
  CHECK(average(ones, included) == std::vector<float>(4, 0.25f));
  CHECK(average(ones, excluded) == ones);
}

TEST_CASE("adaptive_average_pool to the same size copies, and twice the size repeats") {
  const std::vector<float> x = random_grids(3 * 4 * 5, 2);
  CHECK(adaptive(x, {3, 4, 5, 3, 4}) == x);
  CHECK(adaptive({1, 2}, {1, 2, 1, 2, 4}) == std::vector<float>{1, 1, 2, 2, 1, 1, 2, 2});
}

TEST_CASE("pools spread NaN to the windows that hold it and to no others") {
  std::vector<float> x(16, 1.0f);
  x[5] = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> y = average(x, {1, 16, 1, 1, 1, 0});
  const std::vector<float> z = adaptive(x, {4, 4, 1, 2, 2});
  for (int i = 0; i < 16; ++i) CHECK(std::isnan(y[i]) == (i == 5));
  for (int i = 0; i < 4; ++i) CHECK(std::isnan(z[i]) == (i == 0));
}

TEST_CASE("pools give the same bits for any number of threads") {
  const AveragePoolCase s = {33, 31, 19, 3, 2, 1, PaddingCount::kExcluded, 2};
  const std::vector<float> x = random_grids(s.batch * s.height * s.width * s.channels, 4);
  const int before = num_threads();
  set_num_threads(1);
  const std::vector<float> y = average(x, s), z = adaptive(x, {33, 31, 19, 7, 6, 2});
  set_num_threads(5);
  CHECK(average(x, s) == y);
  CHECK(adaptive(x, {33, 31, 19, 7, 6, 2}) == z);
  set_num_threads(before);
}

}  // namespace
}  // namespace assay::kernels
