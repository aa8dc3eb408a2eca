// SPDX-License-Identifier: Apache-2.0
#include "kernels/activation/activation.h"

#include <doctest/doctest.h>

#include <limits>
#include <vector>

#include "kernels/activation/activation_ref.h"
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
using testing::same_bits;
using testing::Staging;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<float> forward(Activation f, const std::vector<float>& values, int64_t offset = 1) {
  const int64_t count = static_cast<int64_t>(values.size());
  GuardedBuffer<float> x(count, offset), y(count, offset);
  Staging s;
  run(activation_forward, {s.in(fill(x, values)), s.out(y), count, f}, s.stream());
  s.finish();
  CHECK(same_bits(x.values(), values));
  CHECK(y.guards_intact());
  return y.values();
}

std::vector<float> backward(Activation f, const std::vector<float>& values, const std::vector<float>& grad_y,
                            int64_t offset = 1) {
  const int64_t count = static_cast<int64_t>(values.size());
  GuardedBuffer<float> x(count, offset), gy(count, offset), gx(count, offset);
  Staging s;
  run(activation_backward, {s.in(fill(x, values)), s.in(fill(gy, grad_y)), s.out(gx), count, f}, s.stream());
  s.finish();
  CHECK((same_bits(x.values(), values) && same_bits(gy.values(), grad_y)));
  CHECK(gx.guards_intact());
  return gx.values();
}

void check_against_reference(Activation f, int64_t count, uint32_t seed, int64_t offset) {
  CAPTURE(static_cast<int>(f));
  CAPTURE(count);
  CAPTURE(offset);
  const std::vector<float> x = random_floats(count, seed, -8, 8), grad_y = random_floats(count, seed + 1);
  std::vector<double> y, y_tolerance, grad, grad_tolerance;
  for (int64_t i = 0; i < count; ++i) {
    y.push_back(ref::activation(f, x[i]));
    y_tolerance.push_back(ref::activation_tolerance(f, x[i]) + testing::kFloatRounding * std::fabs(y.back()));
    const double size = std::fabs(grad_y[i]), slope = ref::activation_derivative(f, x[i]);
    grad.push_back(grad_y[i] * slope);
    grad_tolerance.push_back(
        size * (ref::activation_derivative_tolerance(f, x[i]) + 2 * testing::kFloatRounding * std::fabs(slope)));
  }
  CHECK(count_wrong(forward(f, x, offset), y, y_tolerance) == 0);
  CHECK(count_wrong(backward(f, x, grad_y, offset), grad, grad_tolerance) == 0);
}

TEST_CASE("activations agree with the double reference at the edges of every width") {
  testing::for_each_target([](const char* target) {
    CAPTURE(target);
    for (const Activation f : ref::kActivations) {
      for (const int64_t count : ref::kActivationCounts) {
        for (const int64_t offset : {0, 1}) check_against_reference(f, count, 3, offset);
      }
    }
  });
}

TEST_CASE("the reference's derivatives of activations are central differences away from kinks") {
  for (const Activation f : ref::kActivations) {
    for (double x = -7.1; x < 8; x += 0.37) {
      const double h = 1e-5;
      const double difference = (ref::activation(f, x + h) - ref::activation(f, x - h)) / (2 * h);
      CHECK(std::fabs(ref::activation_derivative(f, x) - difference) < 1e-8);
    }
  }
}

TEST_CASE("activations at kinks, infinities and NaN") {
  testing::for_each_target([](const char* target) {
    CAPTURE(target);
    const std::vector<float> x = {0, 6, kInf, -kInf, kNan, -0.0f}, ones(6, 1);
    const auto check = [&](Activation f, const std::vector<float>& value, const std::vector<float>& slope) {
      CAPTURE(static_cast<int>(f));
      const std::vector<float> got = forward(f, x), grad = backward(f, x, ones);
      for (int i = 0; i < 6; ++i) {
        CAPTURE(i);
        CHECK((std::isnan(value[i]) ? std::isnan(got[i]) : got[i] == value[i]));
        CHECK((std::isnan(slope[i]) ? std::isnan(grad[i]) : grad[i] == slope[i]));
      }
    };
    check(Activation::kRelu, {0, 6, kInf, 0, kNan, 0}, {0, 1, 1, 0, kNan, 0});
    check(Activation::kRelu6, {0, 6, 6, 0, kNan, 0}, {0, 0, 0, 0, kNan, 0});
    check(Activation::kEluPlusOne, {1, 7, kInf, 0, kNan, 1}, {1, 1, 1, 0, kNan, 1});
    const std::vector<float> gelu = forward(Activation::kGelu, x);
    CHECK((gelu[0] == 0 && gelu[2] == kInf && std::isnan(gelu[3]) && std::isnan(gelu[4])));
    const std::vector<float> slope = backward(Activation::kGelu, x, ones);
    CHECK((slope[0] == doctest::Approx(0.5) && std::isnan(slope[2]) && std::isnan(slope[3]) && std::isnan(slope[4])));
  });
}

TEST_CASE("activations work in place, and their gradients accumulate where they are told to") {
  const std::vector<float> x = random_floats(70, 5, -8, 8), grad_y = random_floats(70, 6);
  for (const Activation f : ref::kActivations) {
    GuardedBuffer<float> y(70), gx(70), sum(70);
    Staging s;
    float* in_place = s.out(fill(y, x));
    run(activation_forward, {in_place, in_place, 70, f}, s.stream());
    float* grad = s.out(fill(gx, grad_y));
    run(activation_backward, {s.in(x), grad, grad, 70, f}, s.stream());
    run(activation_backward,
        {s.in(x), s.in(grad_y), s.out(fill(sum, std::vector<float>(70, 0.5f))), 70, f, GradMode::kAccumulate},
        s.stream());
    run(activation_backward, {s.in(x), s.in(grad_y), nullptr, 70, f}, s.stream());
    s.finish();
    CHECK(y.values() == forward(f, x));
    CHECK(gx.values() == backward(f, x, grad_y));
    CHECK(testing::count_not_added(sum.values(), gx.values(), 0.5f) == 0);
  }
}

}  // namespace
}  // namespace assay::kernels
