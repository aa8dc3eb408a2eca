// SPDX-License-Identifier: Apache-2.0
#include "kernels/softmax/softmax.h"

#include <doctest/doctest.h>

#include <limits>
#include <random>
#include <vector>

#include "kernels/softmax/softmax_ref.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/numbers.h"
#include "tests/support/staging.h"
#include "tests/support/targets.h"

namespace assay::kernels {
namespace {

using ref::SoftmaxCase;
using testing::count_wrong;
using testing::fill;
using testing::GuardedBuffer;
using testing::random_floats;
using testing::same_bits;
using testing::Staging;
using testing::to_double;

constexpr float kInf = std::numeric_limits<float>::infinity();

// Of each buffer from a 64-byte boundary, in floats.
struct Offsets {
  int64_t x, y, grad_y, grad_x;
};
constexpr Offsets all_at(int64_t offset) { return {offset, offset, offset, offset}; }

std::vector<float> forward(const std::vector<float>& values, const SoftmaxCase& shape,
                           const Offsets& offsets = all_at(1)) {
  GuardedBuffer<float> x(shape.rows * shape.cols, offsets.x), y(shape.rows * shape.cols, offsets.y);
  Staging s;
  run(softmax_forward, {s.in(fill(x, values)), s.out(y), shape.rows, shape.cols}, s.stream());
  s.finish();
  CHECK(same_bits(x.values(), values));
  CHECK(y.guards_intact());
  return y.values();
}

std::vector<float> backward(const std::vector<float>& values, const std::vector<float>& grad_y,
                            const SoftmaxCase& shape, const Offsets& offsets = all_at(1)) {
  const int64_t count = shape.rows * shape.cols;
  GuardedBuffer<float> y(count, offsets.y), gy(count, offsets.grad_y), gx(count, offsets.grad_x);
  Staging s;
  run(softmax_backward, {s.in(fill(y, values)), s.in(fill(gy, grad_y)), s.out(gx), shape.rows, shape.cols}, s.stream());
  s.finish();
  CHECK((same_bits(y.values(), values) && same_bits(gy.values(), grad_y)));
  CHECK(gx.guards_intact());
  return gx.values();
}

void check_against_reference(const SoftmaxCase& shape, uint32_t seed, const Offsets& offsets) {
  CAPTURE(shape.rows);
  CAPTURE(shape.cols);
  CAPTURE(offsets.x);
  CAPTURE(offsets.y);
  CAPTURE(offsets.grad_y);
  CAPTURE(offsets.grad_x);
  const int64_t count = shape.rows * shape.cols;
  const std::vector<float> x = random_floats(count, seed, -20, 20), grad_y = random_floats(count, seed + 1);
  const std::vector<float> y = forward(x, shape, offsets);
  const ref::Softmax want = ref::softmax_forward(to_double(x), shape);
  CHECK(count_wrong(y, want.value, want.tolerance) == 0);
  const ref::Softmax grads = ref::softmax_backward(to_double(y), to_double(grad_y), shape);
  CHECK(count_wrong(backward(y, grad_y, shape, offsets), grads.value, grads.tolerance) == 0);
}

TEST_CASE("softmax agrees with the double reference at the edges of every width") {
  testing::for_each_target([](const char* target) {
    CAPTURE(target);
    for (const SoftmaxCase& shape : ref::kSoftmaxCases) {
      for (const int64_t offset : {0, 1}) check_against_reference(shape, 3, all_at(offset));
    }
  });
}

TEST_CASE("softmax stands one buffer alone that isn't aligned to a pack") {
  for (const Offsets& offsets : {Offsets{1, 0, 0, 0}, Offsets{0, 1, 0, 0}, Offsets{0, 0, 1, 0}, Offsets{0, 0, 0, 1}}) {
    check_against_reference({3, 24}, 4, offsets);
  }
}

TEST_CASE("softmax agrees with the double reference on random shapes") {
  std::mt19937 engine(7);
  for (uint32_t seed = 0; seed < 30; ++seed) {
    const SoftmaxCase shape = {static_cast<int64_t>(engine() % 20), static_cast<int64_t>(engine() % 150) + 1};
    check_against_reference(shape, seed, all_at(engine() % 4));
  }
}

TEST_CASE("the reference's gradient of softmax is a central difference of its values") {
  const SoftmaxCase shape = {3, 7};
  const std::vector<double> x = to_double(random_floats(21, 5)), grad_y = to_double(random_floats(21, 6));
  const auto got = ref::softmax_backward(ref::softmax_forward(x, shape).value, grad_y, shape).value;
  const auto loss = [&](const std::vector<double>& at) {
    return testing::dot(grad_y, ref::softmax_forward(at, shape).value);
  };
  CHECK(testing::largest_difference(got, testing::central_differences(x, loss)) < 1e-8);
}

TEST_CASE("softmax rows sum to 1 and ignore a shift, however large") {
  const SoftmaxCase shape = {4, 100};
  std::vector<float> x(400);
  for (int64_t i = 0; i < 400; ++i) x[i] = static_cast<float>(i * 37 % 101) / 8;  // exact after the shift, too
  const std::vector<float> y = forward(x, shape);
  for (const float shift : {4096.0f, -4096.0f}) {
    std::vector<float> shifted;
    for (const float v : x) shifted.push_back(v + shift);
    CHECK(y == forward(shifted, shape));
  }
  for (int64_t r = 0; r < 4; ++r) {
    double sum = 0;
    for (int64_t c = 0; c < 100; ++c) sum += y[r * 100 + c];
    CHECK(sum == doctest::Approx(1).epsilon(1e-5));
  }
}

TEST_CASE("softmax gives equal elements of a row equal bits, whoever computes them") {
  for (const int64_t cols : {300, 2500}) {  // a warp's row, and a block's
    CAPTURE(cols);
    constexpr int64_t kRows = 64, kPeriod = 97;  // long, so that lanes have maxima of their own
    const std::vector<float> values = random_floats(kPeriod * kRows, 9, -4, 4);
    std::vector<float> x;
    for (int64_t i = 0; i < kRows * cols; ++i) x.push_back(values[i / cols * kPeriod + i % cols % kPeriod]);
    const std::vector<float> y = forward(x, {kRows, cols});
    int64_t different = 0;
    for (int64_t i = 0; i < kRows * cols; ++i) different += y[i] != y[i / cols * cols + i % cols % kPeriod];
    CHECK(different == 0);
  }
}

TEST_CASE("softmax gives -Inf no share, and NaN to rows that have no answer") {
  testing::for_each_target([](const char* target) {
    CAPTURE(target);
    for (const int64_t cols : {6, 40, 2500}) {
      CAPTURE(cols);
      std::vector<float> x(5 * cols, 1.0f);
      for (int64_t c = 1; c < cols; ++c) x[c] = -kInf;         // one finite element
      for (int64_t c = 0; c < cols; ++c) x[cols + c] = -kInf;  // nothing
      x[2 * cols + 3] = kInf;                                  // too much
      x[3 * cols + 4] = std::numeric_limits<float>::quiet_NaN();
      const std::vector<float> y = forward(x, {5, cols});
      int64_t nan = 0;
      for (int64_t i = cols; i < 4 * cols; ++i) nan += std::isnan(y[i]);
      CHECK(nan == 3 * cols);
      CHECK(y[0] == 1);
      CHECK(y[1] == 0);
      CHECK(y[4 * cols] == doctest::Approx(1.0 / static_cast<double>(cols)));
    }
  });
}

TEST_CASE("softmax works in place, and its gradient accumulates where it is told to") {
  const SoftmaxCase shape = {5, 14};
  const std::vector<float> x = random_floats(70, 5), grad_y = random_floats(70, 6), y = forward(x, shape);
  GuardedBuffer<float> values(70), grads(70), sum(70);
  Staging s;
  float* in_place = s.out(fill(values, x));
  run(softmax_forward, {in_place, in_place, 5, 14}, s.stream());
  float* grad = s.out(fill(grads, grad_y));
  run(softmax_backward, {s.in(y), grad, grad, 5, 14}, s.stream());
  float* total = s.out(fill(sum, std::vector<float>(70, 0.5f)));
  run(softmax_backward, {s.in(y), s.in(grad_y), total, 5, 14, GradMode::kAccumulate}, s.stream());
  run(softmax_backward, {s.in(y), s.in(grad_y), nullptr, 5, 14}, s.stream());
  s.finish();
  CHECK(values.values() == y);
  CHECK(grads.values() == backward(y, grad_y, shape));
  CHECK(testing::count_not_added(sum.values(), grads.values(), 0.5f) == 0);
}

}  // namespace
}  // namespace assay::kernels
