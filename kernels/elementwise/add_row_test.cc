// SPDX-License-Identifier: Apache-2.0
#include "kernels/elementwise/add_row.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernels/elementwise/add_row_ref.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/staging.h"
#include "tests/support/targets.h"

namespace assay::kernels {
namespace {

using testing::for_each_target;
using testing::GuardedBuffer;
using testing::Staging;

std::vector<float> random_numbers(int64_t count, uint32_t seed) {
  std::mt19937 engine(seed);
  std::vector<float> x(count);
  for (float& v : x) v = static_cast<float>(engine() * 0x1p-32 * 7 - 3);
  return x;
}

// `offset` moves both arrays off the alignment that wide accesses want.
std::vector<float> sum_of(const std::vector<float>& row, const std::vector<float>& matrix, const AddRowCase& s,
                          int64_t offset) {
  GuardedBuffer<float> in(s.cols, offset), y(s.rows * s.cols, offset);
  std::copy(row.begin(), row.end(), in.data());
  std::copy(matrix.begin(), matrix.end(), y.data());
  Staging staging;
  run(add_row, {staging.in(in), staging.out(y), s.rows, s.cols}, staging.stream());
  staging.finish();
  CHECK(y.guards_intact());
  CHECK((row.empty() || std::memcmp(in.data(), row.data(), row.size() * sizeof(float)) == 0));
  return y.values();
}

TEST_CASE("add_row gives the rounded sum of the double reference at the edges of every width, aligned or not") {
  for_each_target([](const char* target) {
    CAPTURE(target);
    for (const AddRowCase& s : kAddRowCases) {
      CAPTURE(s.rows);
      CAPTURE(s.cols);
      const std::vector<float> row = random_numbers(s.cols, 1), matrix = random_numbers(s.rows * s.cols, 2);
      const std::vector<float> y = sum_of(row, matrix, s, 0);
      CHECK(sum_of(row, matrix, s, 1) == y);
      // A double holds the sum of two such floats without rounding, so rounding it once gives the same bits.
      for (size_t i = 0; i < y.size(); ++i) {
        REQUIRE(y[i] == static_cast<float>(add_row_ref(matrix[i], row[i % s.cols])));
      }
    }
  });
}

TEST_CASE("add_row spreads NaN and Inf down their columns alone") {
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> y = sum_of({nan, infinity, 1}, {1, 1, 1, 2, -infinity, nan}, {2, 3}, 0);
  CHECK((std::isnan(y[0]) && std::isnan(y[3]) && std::isnan(y[4]) && std::isnan(y[5])));
  CHECK(y[1] == infinity);
  CHECK(y[2] == 2);
}

}  // namespace
}  // namespace assay::kernels
