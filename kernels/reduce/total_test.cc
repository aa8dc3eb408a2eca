// SPDX-License-Identifier: Apache-2.0
#include "kernels/reduce/total.h"

#include <doctest/doctest.h>

#include <limits>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/reduce/total_ref.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/numbers.h"
#include "tests/support/staging.h"
#include "tests/support/targets.h"

namespace assay::kernels {
namespace {

using testing::GuardedBuffer;
using testing::random_floats;
using testing::Staging;

float total_of(const std::vector<float>& x, Total which) {
  GuardedBuffer<float> y(1);
  GuardedBuffer<double> workspace(total_workspace_bytes(x.size()) / sizeof(double));
  Staging s;
  run(total, {s.in(x), s.out(y), s.out(workspace), static_cast<int64_t>(x.size()), which}, s.stream());
  s.finish();
  CHECK((y.guards_intact() && workspace.guards_intact()));
  return y[0];
}

TEST_CASE("totals agree with the double reference at the edges of every width") {
  testing::for_each_target([](const char* target) {
    CAPTURE(target);
    for (const int64_t count : ref::kTotalCounts) {
      CAPTURE(count);
      const std::vector<float> x = random_floats(count, 1, -3, 1);
      for (const Total which : {Total::kSum, Total::kMean, Total::kMaximum}) {
        if (which == Total::kMean && count == 0) continue;
        const float got = total_of(x, which);
        const double want = ref::total(x, which);
        CHECK((got == want || std::fabs(got - want) <= ref::total_tolerance(x, which)));
      }
    }
  });
}

TEST_CASE("totals of nothing") {
  CHECK(total_of({}, Total::kSum) == 0);
  CHECK(std::isnan(total_of({}, Total::kMean)));
  CHECK(total_of({}, Total::kMaximum) == -std::numeric_limits<float>::infinity());
}

TEST_CASE("totals of more pieces than a block has threads") {
  std::vector<float> x(256 * kTotalPiece + 1000, 0.0f);
  x.back() = 7;
  CHECK(total_of(x, Total::kSum) == 7);
  CHECK(total_of(x, Total::kMaximum) == 7);
}

TEST_CASE("one NaN anywhere makes every total NaN") {
  testing::for_each_target([](const char* target) {
    CAPTURE(target);
    for (const int64_t place : {0, 1, 40, 20000, 40002}) {
      std::vector<float> x(40003, 1.0f);
      x[place] = std::numeric_limits<float>::quiet_NaN();
      for (const Total which : {Total::kSum, Total::kMean, Total::kMaximum}) CHECK(std::isnan(total_of(x, which)));
    }
  });
}

TEST_CASE("totals give the same bits for any number of threads") {
  if (testing::on_cuda()) return;
  const std::vector<float> x = random_floats(200001, 3);
  set_num_threads(1);
  const float one = total_of(x, Total::kMean);
  for (const int threads : {2, 5}) {
    set_num_threads(threads);
    CHECK(total_of(x, Total::kMean) == one);
  }
}

}  // namespace
}  // namespace assay::kernels
