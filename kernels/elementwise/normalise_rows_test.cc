// SPDX-License-Identifier: Apache-2.0
#include "kernels/elementwise/normalise_rows.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/elementwise/normalise_rows_ref.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/staging.h"

namespace assay::kernels {
namespace {

using testing::GuardedBuffer;
using testing::Staging;

std::vector<float> random_rows(const NormaliseRowsCase& s, uint32_t seed) {
  std::mt19937 engine(seed);
  std::vector<float> x(s.rows * s.cols);
  for (float& v : x) v = static_cast<float>(engine() * 0x1p-32 * 7 - 3);
  return x;
}

constexpr float kUntouched = -77;  // what columns of y hold that are not to be written

// (R, D)
std::vector<float> normalised(const std::vector<float>& x, const NormaliseRowsCase& s) {
  GuardedBuffer<float> y(s.rows * s.y_cols);
  for (int64_t i = 0; i < y.size(); ++i) y[i] = kUntouched;
  Staging staging;
  run(normalise_rows, {staging.in(x), staging.out(y), s.rows, s.cols, s.y_cols, s.begin}, staging.stream());
  staging.finish();
  CHECK(y.guards_intact());
  return y.values();
}

void check_against_reference(const NormaliseRowsCase& s, uint32_t seed) {
  CAPTURE(s.rows);
  CAPTURE(s.cols);
  CAPTURE(s.y_cols);
  CAPTURE(s.begin);
  CAPTURE(seed);
  const std::vector<float> x = random_rows(s, seed);
  const std::vector<float> y = normalised(x, s);
  // Rounded to float once. The sum in double is off by cols roundings at most, root, quotient and product by one each.
  const double tolerance = 0x1p-24 + (static_cast<double>(s.cols) / 2 + 4) * 0x1p-53;
  for (int64_t r = 0; r < s.rows; ++r) {
    const std::vector<double> expected = normalise_row_ref(x.data() + r * s.cols, s.cols);
    for (int64_t d = 0; d < s.y_cols; ++d) {
      const int64_t c = d - s.begin;
      const float found = y[r * s.y_cols + d];
      if (c < 0 || c >= s.cols) {
        REQUIRE(found == kUntouched);
      } else {
        REQUIRE(std::fabs(found - expected[c]) <= tolerance * std::fabs(expected[c]));
      }
    }
  }
}

TEST_CASE("normalise_rows agrees with the reference at the edges of every width, and writes its columns alone") {
  for (const NormaliseRowsCase& s : kNormaliseRowsCases) check_against_reference(s, 1);
}

TEST_CASE("normalise_rows agrees with the reference on random shapes") {
  std::mt19937 engine(7);
  for (uint32_t seed = 0; seed < 60; ++seed) {
    const auto below = [&](int64_t n) { return static_cast<int64_t>(engine() % n); };
    const int64_t cols = below(80), begin = below(9);
    check_against_reference({below(30), cols, begin + cols + below(5), begin}, seed);
  }
}

TEST_CASE("normalise_rows keeps rows of zeros, and scales tiny and huge rows to length one") {
  const std::vector<float> x = {0, -0.0f, 3e-45f, 0, 3e38f, 3e38f, -1e-20f, 1e-20f};
  const std::vector<float> y = normalised(x, {4, 2, 2, 0});
  const float diagonal = static_cast<float>(1 / std::sqrt(2.0));
  CHECK(y == std::vector<float>{0, 0, 1, 0, diagonal, diagonal, -diagonal, diagonal});
  CHECK(std::signbit(y[1]));
}

TEST_CASE("normalise_rows copies a row with a NaN, and gives zeros and a NaN for one with an infinity") {
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> y = normalised({5, nan, 7, infinity, 3, 4}, {3, 2, 2, 0});
  CHECK(y[0] == 5);
  CHECK(std::isnan(y[1]));
  CHECK(y[2] == 0);
  CHECK(std::isnan(y[3]));
  CHECK(y[4] == 0.6f);
  CHECK(y[5] == 0.8f);
}

TEST_CASE("normalise_rows gives the same bits for any number of threads") {
  const NormaliseRowsCase s = {700, 112, 152, 40};
  const std::vector<float> x = random_rows(s, 4);
  const int before = num_threads();
  set_num_threads(1);
  const std::vector<float> y = normalised(x, s);
  set_num_threads(5);
  CHECK(normalised(x, s) == y);
  set_num_threads(before);
}

}  // namespace
}  // namespace assay::kernels
