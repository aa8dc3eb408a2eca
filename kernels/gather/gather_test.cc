// SPDX-License-Identifier: Apache-2.0
#include "kernels/gather/gather.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "kernels/gather/gather_ref.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/sparse_array.h"
#include "tests/support/staging.h"

namespace assay::kernels {
namespace {

using testing::GuardedBuffer;
using testing::Staging;

std::vector<float> random_matrix(int64_t count, uint32_t seed) {
  std::mt19937 engine(seed);
  std::vector<float> x(count);
  for (float& v : x) v = static_cast<float>(engine() * 0x1p-32 - 0.5);
  return x;
}

// Numbers of which some lie outside 0 .. size - 1.
std::vector<int64_t> random_index(int64_t count, int64_t size, uint32_t seed) {
  std::mt19937 engine(seed);
  std::vector<int64_t> index(count);
  for (int64_t& i : index) i = size == 0 ? 0 : static_cast<int64_t>(engine() % (size + 1));
  if (count > 2) index[1] = -1;
  if (count > 3) index[2] = int64_t{1} << 40;
  return index;
}

bool same(float found, double expected) {
  return std::isnan(expected) ? std::isnan(found) : static_cast<double>(found) == expected;
}

// `offset` moves the matrices off the alignment that wide accesses want.
void check_rows(const GatherCase& s, int64_t offset) {
  CAPTURE(s.x_rows);
  CAPTURE(s.x_cols);
  CAPTURE(s.count);
  const std::vector<float> matrix = random_matrix(s.x_rows * s.x_cols, 1);
  const std::vector<int64_t> index = random_index(s.count, s.x_rows, 2);
  GuardedBuffer<float> x(s.x_rows * s.x_cols, offset), y(s.count * s.x_cols, offset);
  std::copy(matrix.begin(), matrix.end(), x.data());
  Staging staging;
  run(gather_rows, {staging.in(x), staging.in(index), staging.out(y), s.x_rows, s.count, s.x_cols}, staging.stream());
  staging.finish();
  CHECK(y.guards_intact());
  CHECK(x.values() == matrix);
  for (int64_t r = 0; r < s.count; ++r) {
    for (int64_t c = 0; c < s.x_cols; ++c) {
      REQUIRE(same(y[r * s.x_cols + c], element_or_nan(matrix, s.x_rows, s.x_cols, index[r], c)));
    }
  }
}

void check_columns(const GatherCase& s, int64_t offset) {
  CAPTURE(s.x_rows);
  CAPTURE(s.x_cols);
  CAPTURE(s.count);
  const std::vector<float> matrix = random_matrix(s.x_rows * s.x_cols, 3);
  const std::vector<int64_t> index = random_index(s.count, s.x_cols, 4);
  GuardedBuffer<float> x(s.x_rows * s.x_cols, offset), y(s.x_rows * s.count, offset);
  std::copy(matrix.begin(), matrix.end(), x.data());
  Staging staging;
  run(gather_columns, {staging.in(x), staging.in(index), staging.out(y), s.x_rows, s.x_cols, s.count},
      staging.stream());
  staging.finish();
  CHECK(y.guards_intact());
  CHECK(x.values() == matrix);
  for (int64_t r = 0; r < s.x_rows; ++r) {
    for (int64_t c = 0; c < s.count; ++c) {
      REQUIRE(same(y[r * s.count + c], element_or_nan(matrix, s.x_rows, s.x_cols, r, index[c])));
    }
  }
}

TEST_CASE("gather_rows copies the named rows, and gives NaN for what is no row, aligned or not") {
  for (const GatherCase& s : kGatherCases) {
    check_rows(s, 0);
    check_rows(s, 1);
  }
}

TEST_CASE("gather_columns copies the named columns, and gives NaN for what is no column, aligned or not") {
  for (const GatherCase& s : kGatherCases) {
    check_columns(s, 0);
    check_columns(s, 1);
  }
}

TEST_CASE("place_columns writes its columns bit for bit and leaves the others alone") {
  for (const GatherCase& s : kGatherCases) {
    CAPTURE(s.x_rows);
    CAPTURE(s.x_cols);
    for (const int64_t begin : {0, 1, 4}) {
      const int64_t y_cols = begin + s.x_cols + 2;
      const std::vector<float> x = random_matrix(s.x_rows * s.x_cols, 5);
      GuardedBuffer<float> y(s.x_rows * y_cols);
      std::fill(y.data(), y.data() + y.size(), 7.0f);
      Staging staging;
      run(place_columns, {staging.in(x), staging.out(y), s.x_rows, s.x_cols, y_cols, begin}, staging.stream());
      staging.finish();
      CHECK(y.guards_intact());
      for (int64_t r = 0; r < s.x_rows; ++r) {
        for (int64_t c = 0; c < y_cols; ++c) {
          const bool is_written = c >= begin && c < begin + s.x_cols;
          REQUIRE(y[r * y_cols + c] == (is_written ? x[r * s.x_cols + c - begin] : 7.0f));
        }
      }
    }
  }
}

TEST_CASE("gather_rows, gather_columns and place_columns reach elements beyond 2^31") {
  constexpr int64_t kFar = (int64_t{1} << 31) + 24;
  for (const int64_t cols : {8, 5}) {  // four at a time, and one
    CAPTURE(cols);
    const std::vector<float> first = random_matrix(cols, 6), last = random_matrix(cols, 7);
    const int64_t rows = kFar / cols;
    testing::SparseArray<float> x(rows * cols);
    x.put(0, first);
    x.put((rows - 1) * cols, last);
    GuardedBuffer<float> y(2 * cols, 0);
    Staging staging;
    const std::vector<int64_t> index = {rows - 1, 0};
    run(gather_rows, {x.data(), staging.in(index), staging.out(y), rows, 2, cols}, staging.stream());
    staging.finish();
    std::vector<float> expected = last;
    expected.insert(expected.end(), first.begin(), first.end());
    CHECK(y.values() == expected);
  }
  // Two rows of more than 2^31 columns.
  testing::SparseArray<float> wide(2 * kFar);
  wide.put(0, {1});
  wide.put(kFar - 1, {2, 3});
  wide.put(2 * kFar - 1, {4});
  GuardedBuffer<float> y(4);
  Staging staging;
  const std::vector<int64_t> index = {kFar - 1, 0};
  run(gather_columns, {wide.data(), staging.in(index), staging.out(y), 2, kFar, 2}, staging.stream());
  const std::vector<float> placed = {5, 6};
  run(place_columns, {staging.in(placed), wide.data(), 2, 1, kFar, kFar - 1}, staging.stream());
  staging.finish();
  CHECK(y.values() == std::vector<float>{2, 1, 4, 3});
  CHECK(wide.get(kFar - 1, 2) == std::vector<float>{5, 3});
  CHECK(wide.get(2 * kFar - 1, 1) == std::vector<float>{6});
}

TEST_CASE("gathers keep the bits of what they copy") {
  const std::vector<float> x = {-0.0f, 1e-42f, HUGE_VALF, 3};
  GuardedBuffer<float> y(4);
  Staging staging;
  const std::vector<int64_t> index = {0, 1, 2, 3};
  run(gather_columns, {staging.in(x), staging.in(index), staging.out(y), 1, 4, 4}, staging.stream());
  staging.finish();
  CHECK(std::signbit(y[0]));
  CHECK(y.values() == x);
}

}  // namespace
}  // namespace assay::kernels
