// SPDX-License-Identifier: Apache-2.0
#include "kernels/norm/batch_norm.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/norm/batch_norm_ref.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/numbers.h"
#include "tests/support/staging.h"
#include "tests/support/targets.h"

namespace assay::kernels {
namespace {

using ref::BatchNormCase;
using testing::count_not_added;
using testing::count_wrong;
using testing::fill;
using testing::GuardedBuffer;
using testing::random_floats;
using testing::same_bits;
using testing::Staging;
using testing::to_double;

constexpr float kEps = 1e-5f;

struct Problem {
  BatchNormCase shape;
  std::vector<float> x, gamma, beta, grad_y;
  explicit Problem(const BatchNormCase& s, uint32_t seed = 1)
      : shape(s),
        x(random_floats(s.rows * s.cols, seed, -1, 5)),
        gamma(random_floats(s.cols, seed + 1)),
        beta(random_floats(s.cols, seed + 2)),
        grad_y(random_floats(s.rows * s.cols, seed + 3)) {}
  int64_t workspace() const {
    return static_cast<int64_t>(batch_norm_workspace_bytes(shape.rows, shape.cols) / sizeof(float));
  }
};

struct Forward {
  std::vector<float> mean, variance, y;
};

Forward forward(const Problem& p) {
  const auto [rows, cols] = p.shape;
  GuardedBuffer<float> x(rows * cols), y(rows * cols), mean(cols), variance(cols), workspace(p.workspace());
  Staging s;
  const float* in = s.in(fill(x, p.x));
  float *m = s.out(mean), *v = s.out(variance);
  run(batch_norm_statistics, {in, m, v, nullptr, nullptr, s.out(workspace), rows, cols}, s.stream());
  run(batch_norm_apply, {in, m, v, s.in(p.gamma), s.in(p.beta), s.out(y), rows, cols, kEps}, s.stream());
  s.finish();
  CHECK(same_bits(x.values(), p.x));
  CHECK((y.guards_intact() && mean.guards_intact() && variance.guards_intact() && workspace.guards_intact()));
  return {mean.values(), variance.values(), y.values()};
}

struct Backward {
  std::vector<float> x, gamma, beta;
};

Backward backward(const Problem& p, const Forward& f, GradMode mode = GradMode::kOverwrite, float held = 0) {
  const auto [rows, cols] = p.shape;
  GuardedBuffer<float> x(rows * cols), grad_y(rows * cols), workspace(p.workspace());
  GuardedBuffer<float> grad_x(rows * cols), grad_gamma(cols), grad_beta(cols);
  if (mode == GradMode::kAccumulate) {
    for (auto* grad : {&grad_x, &grad_gamma, &grad_beta}) fill(*grad, std::vector<float>(grad->size(), held));
  }
  Staging s;
  run(batch_norm_backward,
      {s.in(fill(x, p.x)), s.in(f.mean), s.in(f.variance), s.in(p.gamma), s.in(fill(grad_y, p.grad_y)), s.out(grad_x),
       s.out(grad_gamma), s.out(grad_beta), s.out(workspace), rows, cols, kEps, mode, mode, mode},
      s.stream());
  s.finish();
  CHECK((same_bits(x.values(), p.x) && same_bits(grad_y.values(), p.grad_y)));
  CHECK((grad_x.guards_intact() && grad_gamma.guards_intact() && grad_beta.guards_intact()));
  CHECK(workspace.guards_intact());
  return {grad_x.values(), grad_gamma.values(), grad_beta.values()};
}

void check_against_reference(const Problem& p) {
  CAPTURE(p.shape.rows);
  CAPTURE(p.shape.cols);
  const Forward f = forward(p);
  const auto want = ref::batch_norm_statistics(to_double(p.x), p.shape);
  CHECK(count_wrong(f.mean, want.mean, want.mean_tolerance) == 0);
  CHECK(count_wrong(f.variance, want.variance, want.variance_tolerance) == 0);
  const std::vector<double> mean = to_double(f.mean), variance = to_double(f.variance), gamma = to_double(p.gamma);
  const auto values = ref::batch_norm_apply(to_double(p.x), mean, variance, gamma, to_double(p.beta), p.shape, kEps);
  CHECK(count_wrong(f.y, values.y, values.tolerance) == 0);
  const Backward b = backward(p, f);
  const auto grads =
      ref::batch_norm_backward(to_double(p.x), mean, variance, gamma, to_double(p.grad_y), p.shape, kEps);
  CHECK(count_wrong(b.x, grads.x, grads.x_tolerance) == 0);
  CHECK(count_wrong(b.gamma, grads.gamma, grads.gamma_tolerance) == 0);
  CHECK(count_wrong(b.beta, grads.beta, grads.beta_tolerance) == 0);
}

TEST_CASE("batch_norm agrees with the double reference at the edges of every width") {
  testing::for_each_target([](const char* target) {
    CAPTURE(target);
    for (const BatchNormCase& s : ref::kBatchNormCases) check_against_reference(Problem(s));
  });
}

TEST_CASE("batch_norm agrees with the double reference on random shapes") {
  std::mt19937 engine(7);
  for (uint32_t seed = 0; seed < 30; ++seed) {
    check_against_reference(
        Problem({static_cast<int64_t>(engine() % 400) + 1, static_cast<int64_t>(engine() % 90) + 1}, seed));
  }
}

TEST_CASE("the reference's gradients of batch_norm are central differences of its values") {
  for (const BatchNormCase& s : {BatchNormCase{5, 3}, BatchNormCase{8, 2}}) {
    const Problem p(s, 4);
    const std::vector<double> x = to_double(p.x), gamma = to_double(p.gamma), beta = to_double(p.beta);
    const std::vector<double> grad_y = to_double(p.grad_y);
    const auto loss = [&](const std::vector<double>& at_x, const std::vector<double>& at_gamma,
                          const std::vector<double>& at_beta) {
      const auto f = ref::batch_norm_statistics(at_x, s);
      return testing::dot(grad_y, ref::batch_norm_apply(at_x, f.mean, f.variance, at_gamma, at_beta, s, kEps).y);
    };
    const auto f = ref::batch_norm_statistics(x, s);
    const auto got = ref::batch_norm_backward(x, f.mean, f.variance, gamma, grad_y, s, kEps);
    using testing::central_differences, testing::largest_difference;
    CHECK(largest_difference(got.x, central_differences(x, [&](auto& v) { return loss(v, gamma, beta); })) < 1e-7);
    CHECK(largest_difference(got.gamma, central_differences(gamma, [&](auto& v) { return loss(x, v, beta); })) < 1e-7);
    CHECK(largest_difference(got.beta, central_differences(beta, [&](auto& v) { return loss(x, gamma, v); })) < 1e-7);
  }
}

TEST_CASE("batch_norm_statistics moves running statistics by the momentum, the variance unbiased") {
  const Problem p({261, 37});
  const auto [rows, cols] = p.shape;
  const Forward f = forward(p);
  const std::vector<float> before_mean = random_floats(cols, 8), before_variance = random_floats(cols, 9, 0.5, 2);
  GuardedBuffer<float> mean(cols), variance(cols), running_mean(cols), running_variance(cols), workspace(p.workspace());
  fill(running_mean, before_mean), fill(running_variance, before_variance);
  Staging s;
  run(batch_norm_statistics,
      {s.in(p.x), s.out(mean), s.out(variance), s.out(running_mean), s.out(running_variance), s.out(workspace), rows,
       cols, 0.3f},
      s.stream());
  s.finish();
  CHECK(mean.values() == f.mean);
  CHECK(variance.values() == f.variance);
  CHECK((running_mean.guards_intact() && running_variance.guards_intact()));
  for (int64_t c = 0; c < cols; ++c) {
    const double momentum = 0.3f, m = f.mean[c], v = f.variance[c] * (261.0 / 260);
    // Statistics are rounded once on the way into this sum, and once themselves.
    CHECK(running_mean[c] == doctest::Approx((1 - momentum) * before_mean[c] + momentum * m).epsilon(1e-6));
    CHECK(running_variance[c] == doctest::Approx((1 - momentum) * before_variance[c] + momentum * v).epsilon(1e-6));
  }
}

TEST_CASE("batch_norm_backward accumulates where it is told to") {
  const Problem p({140, 20}, 5);
  const Forward f = forward(p);
  const Backward once = backward(p, f), sum = backward(p, f, GradMode::kAccumulate, 0.5f);
  CHECK(count_not_added(sum.x, once.x, 0.5f) == 0);
  CHECK(count_not_added(sum.gamma, once.gamma, 0.5f) == 0);
  CHECK(count_not_added(sum.beta, once.beta, 0.5f) == 0);
}

TEST_CASE("batch_norm_backward computes only the gradients that are asked for") {
  const Problem p({9, 12}, 6);
  const Forward f = forward(p);
  const Backward all = backward(p, f);
  GuardedBuffer<float> x(9 * 12), beta(12), workspace(p.workspace());
  Staging s;
  BatchNormBackwardArgs args = {s.in(p.x), s.in(f.mean), s.in(f.variance), s.in(p.gamma),    s.in(p.grad_y),
                                s.out(x),  nullptr,      nullptr,          s.out(workspace), 9,
                                12,        kEps};
  run(batch_norm_backward, args, s.stream());
  args.grad_x = nullptr, args.grad_beta = s.out(beta);
  run(batch_norm_backward, args, s.stream());
  s.finish();
  CHECK(x.values() == all.x);
  CHECK(beta.values() == all.beta);
}

TEST_CASE("batch_norm keeps small differences beside a large mean, and NaN in its column") {
  Problem p({300, 3}, 8);
  for (int64_t r = 0; r < 300; ++r) p.x[r * 3] = 4096 + (r % 2 ? 0.25f : -0.25f);
  p.gamma.assign(3, 1), p.beta.assign(3, 0);
  p.x[7 * 3 + 1] = std::numeric_limits<float>::quiet_NaN();
  const Forward f = forward(p);
  for (int64_t r = 0; r < 300; ++r) {
    CHECK(f.y[r * 3] == doctest::Approx(r % 2 ? 1 : -1).epsilon(1e-3));
    CHECK(std::isnan(f.y[r * 3 + 1]));
    CHECK(!std::isnan(f.y[r * 3 + 2]));
  }
}

TEST_CASE("batch_norm_apply of no rows writes nothing") {
  const std::vector<float> one(3, 1);
  GuardedBuffer<float> y(0);
  Staging s;
  const float* c = s.in(one);
  run(batch_norm_apply, {nullptr, c, c, c, c, s.out(y), 0, 3, kEps}, s.stream());
  s.finish();
  CHECK(y.guards_intact());
}

TEST_CASE("batch_norm gives the same bits for any number of threads") {
  if (testing::on_cuda()) return;
  const Problem p({700, 37}, 3);
  const int before = num_threads();
  set_num_threads(1);
  const Forward one = forward(p);
  const Backward one_back = backward(p, one);
  for (const int threads : {2, 5}) {
    set_num_threads(threads);
    const Forward f = forward(p);
    CHECK((f.y == one.y && f.mean == one.mean && f.variance == one.variance));
    const Backward b = backward(p, one);
    CHECK((b.x == one_back.x && b.gamma == one_back.gamma && b.beta == one_back.beta));
  }
  set_num_threads(before);
}

}  // namespace
}  // namespace assay::kernels
