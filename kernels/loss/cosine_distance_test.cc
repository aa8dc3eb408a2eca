// SPDX-License-Identifier: Apache-2.0
#include "kernels/loss/cosine_distance.h"

#include <doctest/doctest.h>

#include <limits>
#include <random>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/loss/cosine_distance_ref.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/numbers.h"
#include "tests/support/staging.h"
#include "tests/support/targets.h"

namespace assay::kernels {
namespace {

using ref::CosineCase;
using testing::count_wrong;
using testing::fill;
using testing::GuardedBuffer;
using testing::random_floats;
using testing::same_bits;
using testing::Staging;
using testing::to_double;

struct Problem {
  CosineCase shape;
  int64_t offset;  // of the maps from a 64-byte boundary, in floats: 0 takes the path of packs
  std::vector<float> a, b, grad;
  Problem(const CosineCase& s, uint32_t seed, int64_t buffer_offset = 1)
      : shape(s),
        offset(buffer_offset),
        a(random_floats(s.rows * s.cols, seed)),
        b(random_floats(s.rows * s.cols, seed + 1, -1, 3)),
        grad(random_floats(s.rows, seed + 2)) {}
};

struct Forward {
  std::vector<float> distance, norms;
};

Forward forward(const Problem& p) {
  const auto [rows, cols] = p.shape;
  GuardedBuffer<float> a(rows * cols, p.offset), b(rows * cols, p.offset), distance(rows), norms(2 * rows);
  GuardedBuffer<double> workspace(cosine_distance_workspace_bytes(rows, cols) / sizeof(double));
  Staging s;
  run(cosine_distance_forward,
      {s.in(fill(a, p.a)), s.in(fill(b, p.b)), s.out(distance), s.out(norms), s.out(workspace), rows, cols},
      s.stream());
  s.finish();
  CHECK((same_bits(a.values(), p.a) && same_bits(b.values(), p.b)));
  CHECK((distance.guards_intact() && norms.guards_intact() && workspace.guards_intact()));
  return {distance.values(), norms.values()};
}

struct Grads {
  std::vector<float> a, b;
};

Grads backward(const Problem& p, const Forward& f, GradMode mode = GradMode::kOverwrite, float held = 0) {
  const auto [rows, cols] = p.shape;
  GuardedBuffer<float> a(rows * cols, p.offset), b(rows * cols, p.offset);
  GuardedBuffer<float> grad_a(rows * cols, p.offset), grad_b(rows * cols, p.offset);
  if (mode == GradMode::kAccumulate) {
    for (auto* grad : {&grad_a, &grad_b}) fill(*grad, std::vector<float>(rows * cols, held));
  }
  Staging s;
  run(cosine_distance_backward,
      {s.in(fill(a, p.a)), s.in(fill(b, p.b)), s.in(f.distance), s.in(f.norms), s.in(p.grad), s.out(grad_a),
       s.out(grad_b), rows, cols, mode, mode},
      s.stream());
  s.finish();
  CHECK((same_bits(a.values(), p.a) && same_bits(b.values(), p.b)));
  CHECK((grad_a.guards_intact() && grad_b.guards_intact()));
  return {grad_a.values(), grad_b.values()};
}

void check_against_reference(const Problem& p) {
  CAPTURE(p.shape.rows);
  CAPTURE(p.shape.cols);
  CAPTURE(p.offset);
  const Forward f = forward(p);
  const auto want = ref::cosine_distance_forward(to_double(p.a), to_double(p.b), p.shape);
  CHECK(count_wrong(f.distance, want.distance, want.distance_tolerance) == 0);
  CHECK(count_wrong(f.norms, want.norms, want.norms_tolerance) == 0);
  const Grads got = backward(p, f);
  const auto grads = ref::cosine_distance_backward(to_double(p.a), to_double(p.b), to_double(f.distance),
                                                   to_double(f.norms), to_double(p.grad), p.shape);
  CHECK(count_wrong(got.a, grads.a, grads.a_tolerance) == 0);
  CHECK(count_wrong(got.b, grads.b, grads.b_tolerance) == 0);
}

TEST_CASE("cosine_distance agrees with the double reference at the edges of every width") {
  testing::for_each_target([](const char* target) {
    CAPTURE(target);
    for (const CosineCase& shape : ref::kCosineCases) {
      for (const int64_t offset : {0, 1}) check_against_reference(Problem(shape, 3, offset));
    }
  });
}

TEST_CASE("cosine_distance agrees with the double reference on random shapes") {
  std::mt19937 engine(7);
  for (uint32_t seed = 0; seed < 30; ++seed) {
    const CosineCase shape = {static_cast<int64_t>(engine() % 20), static_cast<int64_t>(engine() % 300) + 1};
    check_against_reference(Problem(shape, seed, engine() % 4));
  }
}

TEST_CASE("the reference's gradients of cosine_distance are central differences of its values") {
  const CosineCase s = {3, 6};
  const Problem p(s, 5);
  const std::vector<double> a = to_double(p.a), b = to_double(p.b), grad = to_double(p.grad);
  const auto f = ref::cosine_distance_forward(a, b, s);
  const auto got = ref::cosine_distance_backward(a, b, f.distance, f.norms, grad, s);
  const auto loss = [&](const auto& at_a, const auto& at_b) {
    return testing::dot(grad, ref::cosine_distance_forward(at_a, at_b, s).distance);
  };
  using testing::central_differences, testing::largest_difference;
  CHECK(largest_difference(got.a, central_differences(a, [&](auto& x) { return loss(x, b); })) < 1e-8);
  CHECK(largest_difference(got.b, central_differences(b, [&](auto& x) { return loss(a, x); })) < 1e-8);
}

TEST_CASE("cosine_distance is 0 along, 2 against, 1 across and of nothing, and its gradient is finite there") {
  Problem p({4, 8}, 1);
  for (int64_t i = 0; i < 8; ++i) {
    p.b[i] = 2 * p.a[i];
    p.b[8 + i] = -p.a[8 + i];
    p.a[16 + i] = i < 4, p.b[16 + i] = i >= 4;
    p.a[24 + i] = 0;
  }
  const Forward f = forward(p);
  CHECK(f.distance[0] == doctest::Approx(0).epsilon(1e-6));
  CHECK(f.distance[1] == doctest::Approx(2).epsilon(1e-6));
  CHECK((f.distance[2] == 1 && f.distance[3] == 1));
  for (const float g : backward(p, f).a) CHECK(std::isfinite(g));
}

TEST_CASE("cosine_distance's gradients accumulate where told to, and only those asked for are computed") {
  const Problem p({3, 70}, 7);
  const Forward f = forward(p);
  const Grads once = backward(p, f), sum = backward(p, f, GradMode::kAccumulate, 0.5f);
  CHECK(testing::count_not_added(sum.a, once.a, 0.5f) == 0);
  CHECK(testing::count_not_added(sum.b, once.b, 0.5f) == 0);
  GuardedBuffer<float> grad(3 * 70);
  Staging s;
  run(cosine_distance_backward,
      {s.in(p.a), s.in(p.b), s.in(f.distance), s.in(f.norms), s.in(p.grad), s.out(grad), nullptr, 3, 70}, s.stream());
  s.finish();
  CHECK(grad.values() == once.a);
}

TEST_CASE("cosine_distance keeps NaN in its row, and gives the same bits for any number of threads") {
  Problem p({3, 9000}, 9);
  p.a[9000 + 8500] = std::numeric_limits<float>::quiet_NaN();
  const Forward one = forward(p);
  CHECK((!std::isnan(one.distance[0]) && std::isnan(one.distance[1]) && !std::isnan(one.distance[2])));
  for (const int threads : {1, 3}) {
    set_num_threads(threads);
    CHECK(same_bits(forward(p).distance, one.distance));
  }
}

}  // namespace
}  // namespace assay::kernels
