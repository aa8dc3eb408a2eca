// SPDX-License-Identifier: Apache-2.0
#include "kernels/arithmetic/combine.h"

#include <doctest/doctest.h>

#include <limits>
#include <random>
#include <vector>

#include "kernels/arithmetic/combine_ref.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/numbers.h"
#include "tests/support/staging.h"
#include "tests/support/targets.h"

namespace assay::kernels {
namespace {

using ref::CombineCase;
using testing::fill;
using testing::GuardedBuffer;
using testing::random_floats;
using testing::same_bits;
using testing::Staging;

void check_against_reference(const CombineCase& shape, Combination combination, Broadcast broadcast, int64_t offset,
                             GradMode mode) {
  CAPTURE(shape.rows);
  CAPTURE(shape.cols);
  CAPTURE(static_cast<int>(combination));
  CAPTURE(static_cast<int>(broadcast));
  CAPTURE(offset);
  const int64_t count = shape.rows * shape.cols;
  const std::vector<float> a = random_floats(count, 1);
  const std::vector<float> b = random_floats(ref::size_of_b(broadcast, shape), 2);
  GuardedBuffer<float> at_a(count, offset), at_b(b.size(), offset), y(count, offset);
  const bool accumulate = mode == GradMode::kAccumulate;
  if (accumulate) fill(y, std::vector<float>(count, 0.75f));
  Staging s;
  const float* first = combination == Combination::kTake ? nullptr : s.in(fill(at_a, a));
  run(combine, {first, s.in(fill(at_b, b)), s.out(y), shape.rows, shape.cols, combination, broadcast, -1.7f, mode},
      s.stream());
  s.finish();
  CHECK(same_bits(at_b.values(), b));
  CHECK(y.guards_intact());
  const auto want = ref::combine(a, b, shape, combination, broadcast, -1.7f, accumulate ? 0.75 : 0);
  CHECK(testing::count_wrong(y.values(), want.value, want.tolerance) == 0);
}

TEST_CASE("combine agrees with the double reference at the edges of every width") {
  testing::for_each_target([](const char* target) {
    CAPTURE(target);
    for (const CombineCase& shape : ref::kCombineCases) {
      for (const auto combination : {Combination::kAdd, Combination::kMultiply, Combination::kTake}) {
        for (const auto broadcast : {Broadcast::kNone, Broadcast::kRow, Broadcast::kColumn, Broadcast::kNumber}) {
          check_against_reference(shape, combination, broadcast, 0, GradMode::kOverwrite);
          check_against_reference(shape, combination, broadcast, 1, GradMode::kAccumulate);
        }
      }
    }
  });
}

TEST_CASE("combine agrees with the double reference on random shapes") {
  std::mt19937 engine(7);
  for (int i = 0; i < 60; ++i) {
    const CombineCase shape = {static_cast<int64_t>(engine() % 30), static_cast<int64_t>(engine() % 80)};
    const auto combination = static_cast<Combination>(engine() % 3);
    const auto broadcast = static_cast<Broadcast>(engine() % 4);
    const GradMode mode = engine() % 2 ? GradMode::kAccumulate : GradMode::kOverwrite;
    check_against_reference(shape, combination, broadcast, engine() % 4, mode);
  }
}

TEST_CASE("combine adds and copies without rounding where nothing needs it, in place too") {
  const std::vector<float> a = {1, 2, 3, 4, 5, 6}, row = {10, 20, 30};
  GuardedBuffer<float> y(6), copy(6);
  Staging s;
  float* in_place = s.out(fill(y, a));
  run(combine, {in_place, s.in(row), in_place, 2, 3, Combination::kAdd, Broadcast::kRow, 1}, s.stream());
  run(combine, {nullptr, s.in(a), s.out(copy), 2, 3, Combination::kTake}, s.stream());
  s.finish();
  CHECK(y.values() == std::vector<float>{11, 22, 33, 14, 25, 36});
  CHECK(copy.values() == a);
}

TEST_CASE("combine keeps a NaN at its own place") {
  std::vector<float> a(50, 1.0f);
  a[17] = std::numeric_limits<float>::quiet_NaN();
  GuardedBuffer<float> y(50);
  Staging s;
  run(combine, {s.in(a), s.in(a), s.out(y), 5, 10, Combination::kAdd}, s.stream());
  s.finish();
  for (int64_t i = 0; i < 50; ++i) CHECK((i == 17 ? std::isnan(y[i]) : y[i] == 2));
}

}  // namespace
}  // namespace assay::kernels
