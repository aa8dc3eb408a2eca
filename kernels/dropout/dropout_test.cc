// SPDX-License-Identifier: Apache-2.0
#include "kernels/dropout/dropout.h"

#include <doctest/doctest.h>

#include <limits>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/dropout/dropout_ref.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/numbers.h"
#include "tests/support/staging.h"
#include "tests/support/targets.h"

namespace assay::kernels {
namespace {

using testing::count_wrong;
using testing::fill;
using testing::GuardedBuffer;
using testing::random_floats;
using testing::Staging;

constexpr uint64_t kSeed = 0x123456789abcdefull, kStream = 0x5000000000000007ull;

std::vector<float> forward(const std::vector<float>& values, float p, int64_t offset = 1, uint64_t stream = kStream) {
  const int64_t count = static_cast<int64_t>(values.size());
  GuardedBuffer<float> x(count, offset), y(count, offset);
  Staging s;
  run(dropout_forward, {s.in(fill(x, values)), s.out(y), count, p, kSeed, stream}, s.stream());
  s.finish();
  CHECK(testing::same_bits(x.values(), values));
  CHECK(y.guards_intact());
  return y.values();
}

// The scale is rounded once and the product once.
void check_against_reference(int64_t count, float p, int64_t offset) {
  CAPTURE(count);
  CAPTURE(p);
  CAPTURE(offset);
  const std::vector<float> x = random_floats(count, 3);
  std::vector<double> want, tolerance;
  for (int64_t i = 0; i < count; ++i) {
    want.push_back(ref::dropout(x[i], p, kSeed, kStream, i));
    tolerance.push_back(2 * testing::kFloatRounding * std::fabs(want.back()) * 1.001);
  }
  CHECK(count_wrong(forward(x, p, offset), want, tolerance) == 0);
}

TEST_CASE("dropout agrees with the double reference, mask and all, at the edges of every width") {
  testing::for_each_target([](const char* target) {
    CAPTURE(target);
    for (const int64_t count : ref::kDropoutCounts) {
      for (const int64_t offset : {0, 1}) check_against_reference(count, 0.2f, offset);
    }
    for (const float p : {0.0f, 0x1p-24f, 0.4f, 0.5f, 0.999999f}) check_against_reference(500, p, 1);
  });
}

TEST_CASE("dropout gives these very elements, bit by bit, on every backend") {
  testing::for_each_target([](const char* target) {
    CAPTURE(target);
    const std::vector<float> x = random_floats(3000, 6);
    std::vector<float> want;
    for (int64_t i = 0; i < 3000; ++i) {
      want.push_back(ref::is_kept(0.2f, kSeed, kStream, i) ? x[i] * dropout_scale(0.2f) : 0.0f);
    }
    CHECK(testing::same_bits(forward(x, 0.2f), want));
  });
}

TEST_CASE("dropout's gradient has the mask of forward, accumulates and works in place") {
  const std::vector<float> ones(203, 1.0f), grad_y = random_floats(203, 4);
  const std::vector<float> mask = forward(ones, 0.3f);
  GuardedBuffer<float> grad(203), sum(203), in_place(203);
  Staging s;
  run(dropout_backward, {s.in(grad_y), s.out(grad), 203, 0.3f, kSeed, kStream}, s.stream());
  run(dropout_backward,
      {s.in(grad_y), s.out(fill(sum, std::vector<float>(203, 0.5f))), 203, 0.3f, kSeed, kStream, GradMode::kAccumulate},
      s.stream());
  float* both = s.out(fill(in_place, grad_y));
  run(dropout_backward, {both, both, 203, 0.3f, kSeed, kStream}, s.stream());
  run(dropout_backward, {s.in(grad_y), nullptr, 203, 0.3f, kSeed, kStream}, s.stream());
  s.finish();
  for (int64_t i = 0; i < 203; ++i) {
    CHECK(grad[i] == grad_y[i] * mask[i]);
    CHECK(sum[i] == 0.5f + grad_y[i] * mask[i]);
  }
  CHECK(in_place.values() == grad.values());
}

TEST_CASE("dropout drops its share, differently in each stream, and NaN with the rest") {
  std::vector<float> x(20000, std::numeric_limits<float>::quiet_NaN());
  const std::vector<float> nan = forward(x, 0.2f);
  int64_t dropped = 0;
  for (const float v : nan) dropped += v == 0;
  // Five standard deviations of a binomial share.
  CHECK(std::fabs(static_cast<double>(dropped) - 4000) < 5 * std::sqrt(20000 * 0.2 * 0.8));
  x.assign(20000, 1);
  CHECK(forward(x, 0.2f) != forward(x, 0.2f, 1, kStream + 1));
  CHECK(forward(x, 0.0f) == x);
}

TEST_CASE("dropout gives the same bits for any number of threads") {
  if (testing::on_cuda()) return;
  const std::vector<float> x = random_floats(200000, 9);
  set_num_threads(1);
  const std::vector<float> one = forward(x, 0.2f);
  set_num_threads(3);
  CHECK(forward(x, 0.2f) == one);
}

}  // namespace
}  // namespace assay::kernels
