// SPDX-License-Identifier: Apache-2.0
#include "kernels/loss/hard_mining.h"

#include <doctest/doctest.h>

#include <limits>
#include <vector>

#include "kernels/loss/hard_mining_ref.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/numbers.h"
#include "tests/support/staging.h"
#include "tests/support/targets.h"

namespace assay::kernels {
namespace {

using testing::fill;
using testing::GuardedBuffer;
using testing::random_floats;
using testing::Staging;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

float select(const std::vector<float>& x, int64_t k) {
  const int64_t count = static_cast<int64_t>(x.size());
  GuardedBuffer<float> in(count), y(1);
  GuardedBuffer<uint32_t> workspace(kth_largest_workspace_bytes(testing::test_backend(), count) / sizeof(uint32_t));
  Staging s;
  run(kth_largest, {s.in(fill(in, x)), s.out(y), s.out(workspace), count, k}, s.stream());
  s.finish();
  CHECK(testing::same_bits(in.values(), x));
  CHECK((y.guards_intact() && workspace.guards_intact()));
  return y[0];
}

TEST_CASE("kth_largest is what sorting gives, for every kind of numbers") {
  for (const int64_t count : ref::kKthLargestCounts) {
    CAPTURE(count);
    std::vector<float> distances = random_floats(count, 1, 0, 2), both_signs = random_floats(count, 2, -1e-3, 1e3);
    std::vector<float> few = random_floats(count, 3, 0, 4);  // many ties
    for (float& v : few) v = std::floor(v) - 2;
    for (const auto& x : {distances, both_signs, few}) {
      for (const int64_t k : {int64_t{1}, (count + 1) / 2, hard_mining_k(count, 0.9), count}) {
        CAPTURE(k);
        CHECK(select(x, k) == ref::kth_largest(x, k));
      }
    }
  }
}

TEST_CASE("kth_largest ranks zeros, infinities and numbers that differ in the last bit; NaN is the largest") {
  const std::vector<float> x = {1, std::nextafter(1.0f, 2.0f), -kInf, kInf, 0, -0.0f, 1e-45f, -1e-45f, kNan, -kNan, -3};
  for (int64_t k = 1; k <= 11; ++k) {
    CAPTURE(k);
    const float got = select(x, k);
    CHECK((k <= 2 ? std::isnan(got) : got == ref::kth_largest(x, k)));
  }
}

TEST_CASE("hard_mining_k leaves the share that the quantile says, and at least one") {
  CHECK(hard_mining_k(1000, 0.9) == 99);  // 1000 * (1 - 0.9) is just below 100: floor, as published
  CHECK(hard_mining_k(1000, 0) == 1000);
  CHECK(hard_mining_k(3, 0.9) == 1);
  CHECK(hard_mining_k(5, 1) == 1);
}

TEST_CASE("hard_mining_scale scales the gradients of points below the threshold, and only those") {
  testing::for_each_target([](const char* target) {
    CAPTURE(target);
    for (const int64_t cols : {0, 1, 5, 16, 33, 100}) {
      CAPTURE(cols);
      const int64_t rows = 37;
      std::vector<float> distance = random_floats(rows, 4, 0, 1);
      distance[5] = kNan;
      const std::vector<float> grads = random_floats(rows * cols, 5), threshold = {distance[11]};
      GuardedBuffer<float> grad(rows * cols);
      Staging s;
      run(hard_mining_scale, {s.in(distance), s.in(threshold), s.out(fill(grad, grads)), rows, cols, 0.1f}, s.stream());
      s.finish();
      CHECK(grad.guards_intact());
      int64_t wrong = 0;
      for (int64_t i = 0; i < rows * cols; ++i) {
        wrong += grad[i] != (distance[i / cols] < distance[11] ? grads[i] * 0.1f : grads[i]);
      }
      CHECK(wrong == 0);
    }
  });
}

}  // namespace
}  // namespace assay::kernels
