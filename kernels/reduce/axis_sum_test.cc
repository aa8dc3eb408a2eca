// SPDX-License-Identifier: Apache-2.0
#include "kernels/reduce/axis_sum.h"

#include <doctest/doctest.h>

#include <limits>
#include <random>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/reduce/axis_sum_ref.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/numbers.h"
#include "tests/support/staging.h"
#include "tests/support/targets.h"

namespace assay::kernels {
namespace {

using ref::AxisSumCase;
using testing::count_wrong;
using testing::fill;
using testing::GuardedBuffer;
using testing::random_floats;
using testing::Staging;

// held: what y holds before, for kAccumulate.
std::vector<float> columns(const std::vector<float>& x, const std::vector<float>& factor, const AxisSumCase& shape,
                           const float* held = nullptr) {
  GuardedBuffer<float> y(shape.cols);
  GuardedBuffer<float> workspace(column_sum_workspace_bytes(shape.rows, shape.cols) / sizeof(float));
  if (held != nullptr) fill(y, std::vector<float>(shape.cols, *held));
  Staging s;
  const float* by = factor.empty() ? nullptr : s.in(factor);
  run(column_sum,
      {s.in(x), by, s.out(y), s.out(workspace), shape.rows, shape.cols,
       held == nullptr ? GradMode::kOverwrite : GradMode::kAccumulate},
      s.stream());
  s.finish();
  CHECK((y.guards_intact() && workspace.guards_intact()));
  return y.values();
}

std::vector<float> rows(const std::vector<float>& x, const std::vector<float>& factor, const AxisSumCase& shape,
                        const float* held = nullptr) {
  GuardedBuffer<float> y(shape.rows);
  if (held != nullptr) fill(y, std::vector<float>(shape.rows, *held));
  Staging s;
  const float* by = factor.empty() ? nullptr : s.in(factor);
  run(row_sum,
      {s.in(x), by, s.out(y), shape.rows, shape.cols, held == nullptr ? GradMode::kOverwrite : GradMode::kAccumulate},
      s.stream());
  s.finish();
  CHECK(y.guards_intact());
  return y.values();
}

void check_against_reference(const AxisSumCase& shape, uint32_t seed) {
  CAPTURE(shape.rows);
  CAPTURE(shape.cols);
  const std::vector<float> x = random_floats(shape.rows * shape.cols, seed), none;
  const std::vector<float> factor = random_floats(shape.rows * shape.cols, seed + 1);
  const float held = -3;
  for (const std::vector<float>& by : {none, factor}) {
    auto want = ref::column_sum(x, by, shape, 0);
    CHECK(count_wrong(columns(x, by, shape), want.value, want.tolerance) == 0);
    want = ref::column_sum(x, by, shape, held);
    CHECK(count_wrong(columns(x, by, shape, &held), want.value, want.tolerance) == 0);
    want = ref::row_sum(x, by, shape, 0);
    CHECK(count_wrong(rows(x, by, shape), want.value, want.tolerance) == 0);
    want = ref::row_sum(x, by, shape, held);
    CHECK(count_wrong(rows(x, by, shape, &held), want.value, want.tolerance) == 0);
  }
}

TEST_CASE("sums along an axis agree with the double reference at the edges of every width") {
  testing::for_each_target([](const char* target) {
    CAPTURE(target);
    for (const AxisSumCase& shape : ref::kAxisSumCases) check_against_reference(shape, 1);
  });
}

TEST_CASE("sums along an axis agree with the double reference on random shapes") {
  std::mt19937 engine(7);
  for (uint32_t seed = 0; seed < 30; ++seed) {
    check_against_reference({static_cast<int64_t>(engine() % 300), static_cast<int64_t>(engine() % 80)}, seed);
  }
}

TEST_CASE("sums along an axis keep NaN in its own row and column, and give 0 for nothing") {
  std::vector<float> x(30, 1.0f);
  x[2 * 6 + 4] = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> by_column = columns(x, {}, {5, 6}), by_row = rows(x, {}, {5, 6});
  for (int c = 0; c < 6; ++c) CHECK((c == 4 ? std::isnan(by_column[c]) : by_column[c] == 5));
  for (int r = 0; r < 5; ++r) CHECK((r == 2 ? std::isnan(by_row[r]) : by_row[r] == 6));
  CHECK(columns({}, {}, {0, 3}) == std::vector<float>{0, 0, 0});
  CHECK(rows({}, {}, {3, 0}) == std::vector<float>{0, 0, 0});
}

TEST_CASE("sums along an axis give the same bits for any number of threads") {
  if (testing::on_cuda()) return;
  const std::vector<float> x = random_floats(5000 * 37, 3);
  set_num_threads(1);
  const std::vector<float> by_column = columns(x, {}, {5000, 37}), by_row = rows(x, {}, {5000, 37});
  for (const int threads : {2, 5}) {
    set_num_threads(threads);
    CHECK(columns(x, {}, {5000, 37}) == by_column);
    CHECK(rows(x, {}, {5000, 37}) == by_row);
  }
}

}  // namespace
}  // namespace assay::kernels
