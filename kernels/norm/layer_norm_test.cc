// SPDX-License-Identifier: Apache-2.0
#include "kernels/norm/layer_norm.h"

#include <doctest/doctest.h>

#include <limits>
#include <random>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/norm/layer_norm_ref.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/numbers.h"
#include "tests/support/staging.h"
#include "tests/support/targets.h"

namespace assay::kernels {
namespace {

using ref::LayerNormCase;
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
  LayerNormCase shape;
  int64_t offset;  // of every buffer from a 64-byte boundary, in floats: 0 takes the path of packs
  enum Buffer { kAll, kX, kGamma, kBeta, kY, kGradY, kGradX };
  Buffer offset_buffer = kAll;  // or of this one alone
  std::vector<float> x, gamma, beta, grad_y;
  Problem(const LayerNormCase& s, uint32_t seed, int64_t buffer_offset = 1)
      : shape(s),
        offset(buffer_offset),
        x(random_floats(s.rows * s.cols, seed, -1, 5)),
        gamma(random_floats(s.cols, seed + 1)),
        beta(random_floats(s.cols, seed + 2)),
        grad_y(random_floats(s.rows * s.cols, seed + 3)) {}
  int64_t offset_of(Buffer buffer) const { return offset_buffer == kAll || offset_buffer == buffer ? offset : 0; }
};

struct Forward {
  std::vector<float> y, mean, rstd;
};

Forward forward(const Problem& p) {
  const auto [rows, cols] = p.shape;
  GuardedBuffer<float> x(rows * cols, p.offset_of(p.kX)), y(rows * cols, p.offset_of(p.kY)), mean(rows), rstd(rows);
  GuardedBuffer<float> gamma(cols, p.offset_of(p.kGamma)), beta(cols, p.offset_of(p.kBeta));
  Staging s;
  run(layer_norm_forward,
      {s.in(fill(x, p.x)), s.in(fill(gamma, p.gamma)), s.in(fill(beta, p.beta)), s.out(y), s.out(mean), s.out(rstd),
       rows, cols, kEps},
      s.stream());
  s.finish();
  CHECK(same_bits(x.values(), p.x));
  CHECK((y.guards_intact() && mean.guards_intact() && rstd.guards_intact()));
  return {y.values(), mean.values(), rstd.values()};
}

struct Backward {
  std::vector<float> x, gamma, beta;
};

Backward backward(const Problem& p, const Forward& f, GradMode mode = GradMode::kOverwrite, float held = 0) {
  const auto [rows, cols] = p.shape;
  GuardedBuffer<float> x(rows * cols, p.offset_of(p.kX)), grad_y(rows * cols, p.offset_of(p.kGradY));
  GuardedBuffer<float> gamma(cols, p.offset_of(p.kGamma));
  GuardedBuffer<float> grad_x(rows * cols, p.offset_of(p.kGradX)), grad_gamma(cols), grad_beta(cols);
  if (mode == GradMode::kAccumulate) {
    for (auto* grad : {&grad_x, &grad_gamma, &grad_beta}) fill(*grad, std::vector<float>(grad->size(), held));
  }
  GuardedBuffer<float> workspace(layer_norm_backward_workspace_bytes(rows, cols) / sizeof(float));
  Staging s;
  run(layer_norm_backward,
      {s.in(fill(x, p.x)), s.in(fill(gamma, p.gamma)), s.in(f.mean), s.in(f.rstd), s.in(fill(grad_y, p.grad_y)),
       s.out(grad_x), s.out(grad_gamma), s.out(grad_beta), s.out(workspace), rows, cols, mode, mode, mode},
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
  CAPTURE(p.offset);
  CAPTURE(static_cast<int>(p.offset_buffer));
  const Forward f = forward(p);
  const auto want = ref::layer_norm_forward(to_double(p.x), to_double(p.gamma), to_double(p.beta), p.shape, kEps);
  CHECK(count_wrong(f.y, want.y, want.y_tolerance) == 0);
  CHECK(count_wrong(f.mean, want.mean, want.mean_tolerance) == 0);
  CHECK(count_wrong(f.rstd, want.rstd, want.rstd_tolerance) == 0);
  const Backward b = backward(p, f);
  const auto grads = ref::layer_norm_backward(to_double(p.x), to_double(p.gamma), to_double(f.mean), to_double(f.rstd),
                                              to_double(p.grad_y), p.shape);
  CHECK(count_wrong(b.x, grads.x, grads.x_tolerance) == 0);
  CHECK(count_wrong(b.gamma, grads.gamma, grads.gamma_tolerance) == 0);
  CHECK(count_wrong(b.beta, grads.beta, grads.beta_tolerance) == 0);
}

TEST_CASE("layer_norm agrees with the double reference at the edges of every width") {
  testing::for_each_target([](const char* target) {
    CAPTURE(target);
    for (const LayerNormCase& s : ref::kLayerNormCases) {
      for (const int64_t offset : {0, 1}) check_against_reference(Problem(s, 1, offset));
    }
  });
}

TEST_CASE("layer_norm stands one buffer alone that isn't aligned to a pack") {
  for (const auto buffer :
       {Problem::kX, Problem::kGamma, Problem::kBeta, Problem::kY, Problem::kGradY, Problem::kGradX}) {
    Problem p({3, 24}, 4);
    p.offset_buffer = buffer;
    check_against_reference(p);
  }
}

TEST_CASE("layer_norm agrees with the double reference on random shapes") {
  std::mt19937 engine(7);
  for (uint32_t seed = 0; seed < 30; ++seed) {
    const LayerNormCase s = {static_cast<int64_t>(engine() % 40), static_cast<int64_t>(engine() % 90) + 1};
    check_against_reference(Problem(s, seed, engine() % 4));
  }
}

TEST_CASE("the reference's gradients of layer_norm are central differences of its values") {
  for (const LayerNormCase& s : {LayerNormCase{3, 5}, LayerNormCase{2, 8}, LayerNormCase{2, 1}}) {
    const Problem p(s, 4);
    const std::vector<double> x = to_double(p.x), gamma = to_double(p.gamma), beta = to_double(p.beta);
    const std::vector<double> grad_y = to_double(p.grad_y);
    const auto loss = [&](const std::vector<double>& at_x, const std::vector<double>& at_gamma,
                          const std::vector<double>& at_beta) {
      return testing::dot(grad_y, ref::layer_norm_forward(at_x, at_gamma, at_beta, s, kEps).y);
    };
    const auto f = ref::layer_norm_forward(x, gamma, beta, s, kEps);
    const auto got = ref::layer_norm_backward(x, gamma, f.mean, f.rstd, grad_y, s);
    using testing::central_differences, testing::largest_difference;
    CHECK(largest_difference(got.x, central_differences(x, [&](auto& v) { return loss(v, gamma, beta); })) < 1e-7);
    CHECK(largest_difference(got.gamma, central_differences(gamma, [&](auto& v) { return loss(x, v, beta); })) < 1e-7);
    CHECK(largest_difference(got.beta, central_differences(beta, [&](auto& v) { return loss(x, gamma, v); })) < 1e-7);
  }
}

TEST_CASE("layer_norm_backward accumulates where it is told to") {
  const Problem p({140, 20}, 5);
  const Forward f = forward(p);
  const Backward once = backward(p, f), sum = backward(p, f, GradMode::kAccumulate, 0.5f);
  CHECK(count_not_added(sum.x, once.x, 0.5f) == 0);
  CHECK(count_not_added(sum.gamma, once.gamma, 0.5f) == 0);
  CHECK(count_not_added(sum.beta, once.beta, 0.5f) == 0);
}

TEST_CASE("layer_norm_backward computes only the gradients that are asked for") {
  const Problem p({9, 12}, 6);
  const Forward f = forward(p);
  const Backward all = backward(p, f);
  GuardedBuffer<float> x(9 * 12), beta(12), workspace(layer_norm_backward_workspace_bytes(9, 12) / sizeof(float));
  Staging s;
  LayerNormBackwardArgs args = {
      s.in(p.x), s.in(p.gamma), s.in(f.mean), s.in(f.rstd), s.in(p.grad_y), s.out(x), nullptr, nullptr, nullptr, 9, 12};
  run(layer_norm_backward, args, s.stream());
  args.grad_x = nullptr, args.grad_beta = s.out(beta), args.workspace = s.out(workspace);
  run(layer_norm_backward, args, s.stream());
  s.finish();
  CHECK(x.values() == all.x);
  CHECK(beta.values() == all.beta);
}

TEST_CASE("layer_norm_backward may write grad_x over grad_y") {
  const Problem p({9, 12}, 6);
  const Forward f = forward(p);
  const Backward apart = backward(p, f);
  GuardedBuffer<float> grad(9 * 12), gamma(12), beta(12);
  GuardedBuffer<float> workspace(layer_norm_backward_workspace_bytes(9, 12) / sizeof(float));
  Staging s;
  float* shared = s.out(fill(grad, p.grad_y));
  run(layer_norm_backward,
      {s.in(p.x), s.in(p.gamma), s.in(f.mean), s.in(f.rstd), shared, shared, s.out(gamma), s.out(beta),
       s.out(workspace), 9, 12},
      s.stream());
  s.finish();
  CHECK(grad.values() == apart.x);
  CHECK(gamma.values() == apart.gamma);
  CHECK(beta.values() == apart.beta);
}

TEST_CASE("layer_norm keeps small differences beside a large mean, and NaN in its row") {
  Problem p({3, 64}, 8);
  for (int64_t i = 0; i < 64; ++i) p.x[i] = 4096 + (i % 2 ? 0.25f : -0.25f);
  p.gamma.assign(64, 1), p.beta.assign(64, 0);
  p.x[64 + 9] = std::numeric_limits<float>::quiet_NaN();
  const Forward f = forward(p);
  for (int64_t i = 0; i < 64; ++i) {
    CHECK(f.y[i] == doctest::Approx(i % 2 ? 1 : -1).epsilon(1e-3));
    CHECK(std::isnan(f.y[64 + i]));
    CHECK(!std::isnan(f.y[128 + i]));
  }
}

TEST_CASE("layer_norm gives the same bits for any number of threads") {
  if (testing::on_cuda()) return;
  const Problem p({700, 37}, 3);
  set_num_threads(1);
  const Forward one = forward(p);
  const Backward one_back = backward(p, one);
  for (const int threads : {2, 5}) {
    set_num_threads(threads);
    CHECK(forward(p).y == one.y);
    const Backward b = backward(p, one);
    CHECK((b.x == one_back.x && b.gamma == one_back.gamma && b.beta == one_back.beta));
  }
}

}  // namespace
}  // namespace assay::kernels
