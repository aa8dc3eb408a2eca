// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention/linear_attention.h"

#include <doctest/doctest.h>

#include <limits>
#include <random>
#include <vector>

#include "kernels/attention/linear_attention_ref.h"
#include "kernels/attention/strided_operand.h"
#include "kernels/base/parallel.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/numbers.h"
#include "tests/support/staging.h"
#include "tests/support/targets.h"

namespace assay::kernels {
namespace {

using ref::AttentionCase;
using testing::count_wrong;
using testing::fill;
using testing::GuardedBuffer;
using testing::random_floats;
using testing::same_bits;
using testing::Staging;
using testing::to_double;

AttentionStrides strides_of(const AttentionCase& s) { return attention_strides(s.tokens, s.heads, s.width); }

struct Problem {
  AttentionCase shape;
  std::vector<float> q, k, v, grad_out;
  Problem(const AttentionCase& s, uint32_t seed)
      : shape(s),
        q(random_floats(s.size(), seed)),
        k(random_floats(s.size(), seed + 1)),
        v(random_floats(s.size(), seed + 2)),
        grad_out(random_floats(s.size(), seed + 3)) {}
};

constexpr float kEps = 0.25f;  // large, so that its absence would show

struct Forward {
  std::vector<float> out, kv, k_sum;
};

Forward forward(const Problem& p) {
  const auto [batch, tokens, heads, width] = p.shape;
  const AttentionStrides strides = strides_of(p.shape);
  GuardedBuffer<float> out(p.shape.size()), kv(batch * heads * width * width), k_sum(batch * heads * width);
  Staging s;
  run(linear_attention_forward,
      {s.in(p.q), s.in(p.k), s.in(p.v), s.out(out), s.out(kv), s.out(k_sum), batch, tokens, heads, width, strides,
       strides, strides, strides, kEps},
      s.stream());
  s.finish();
  CHECK((out.guards_intact() && kv.guards_intact() && k_sum.guards_intact()));
  return {out.values(), kv.values(), k_sum.values()};
}

struct Grads {
  std::vector<float> q, k, v;
};

struct GradModes {
  GradMode q = GradMode::kOverwrite, k = GradMode::kOverwrite, v = GradMode::kOverwrite;
};

// Gradients that accumulate do so upon `held`.
Grads backward(const Problem& p, const Forward& f, const GradModes& modes = {}, float held = 0) {
  const auto [batch, tokens, heads, width] = p.shape;
  const AttentionStrides strides = strides_of(p.shape);
  GuardedBuffer<float> q(p.shape.size()), k(p.shape.size()), v(p.shape.size());
  GuardedBuffer<float> workspace(linear_attention_backward_workspace_bytes(batch, tokens, heads, width) /
                                 sizeof(float));
  const std::vector<float> start(p.shape.size(), held);
  if (modes.q == GradMode::kAccumulate) fill(q, start);
  if (modes.k == GradMode::kAccumulate) fill(k, start);
  if (modes.v == GradMode::kAccumulate) fill(v, start);
  Staging s;
  run(linear_attention_backward, {s.in(p.q),        s.in(p.k), s.in(p.v), s.in(f.out), s.in(f.kv),       s.in(f.k_sum),
                                  s.in(p.grad_out), s.out(q),  s.out(k),  s.out(v),    s.out(workspace), batch,
                                  tokens,           heads,     width,     strides,     strides,          strides,
                                  strides,          kEps,      modes.q,   modes.k,     modes.v},
      s.stream());
  s.finish();
  CHECK((q.guards_intact() && k.guards_intact() && v.guards_intact() && workspace.guards_intact()));
  return {q.values(), k.values(), v.values()};
}

// What forward saved, as the reference's backward takes it: its own but for the values.
ref::LinearAttention saved(const Forward& f, const ref::LinearAttention& want) {
  ref::LinearAttention result = want;
  result.out = to_double(f.out), result.kv = to_double(f.kv), result.k_sum = to_double(f.k_sum);
  return result;
}

void check_against_reference(const AttentionCase& shape, uint32_t seed) {
  CAPTURE(shape.batch);
  CAPTURE(shape.tokens);
  CAPTURE(shape.heads);
  CAPTURE(shape.width);
  const Problem p(shape, seed);
  const Forward f = forward(p);
  const auto want = ref::linear_attention_forward(to_double(p.q), to_double(p.k), to_double(p.v), shape, kEps);
  CHECK(count_wrong(f.out, want.out, want.out_tolerance) == 0);
  CHECK(count_wrong(f.kv, want.kv, want.kv_tolerance) == 0);
  CHECK(count_wrong(f.k_sum, want.k_sum, want.k_sum_tolerance) == 0);
  const auto grads = ref::linear_attention_backward(to_double(p.q), to_double(p.k), to_double(p.v), saved(f, want),
                                                    to_double(p.grad_out), shape, kEps);
  const Grads got = backward(p, f);
  CHECK(count_wrong(got.q, grads.q, grads.q_tolerance) == 0);
  CHECK(count_wrong(got.k, grads.k, grads.k_tolerance) == 0);
  CHECK(count_wrong(got.v, grads.v, grads.v_tolerance) == 0);
  const Problem unchanged(shape, seed);
  CHECK((p.q == unchanged.q && p.k == unchanged.k && p.v == unchanged.v && p.grad_out == unchanged.grad_out));
}

TEST_CASE("linear_attention agrees with the double reference at the edges of every tile") {
  testing::for_each_target([](const char* target) {
    CAPTURE(target);
    for (const AttentionCase& shape : ref::kAttentionCases) check_against_reference(shape, 3);
  });
}

TEST_CASE("linear_attention agrees with the double reference on random shapes") {
  std::mt19937 engine(7);
  const auto below = [&](int64_t n) { return static_cast<int64_t>(engine() % n); };
  for (uint32_t seed = 0; seed < 12; ++seed) {
    check_against_reference({below(3), below(50), below(3) + 1, below(kAttentionMostHeadWidth) + 1}, seed);
  }
}

TEST_CASE("the reference's gradients of linear_attention are central differences of its values") {
  const AttentionCase s = {2, 4, 2, 3};
  const Problem p(s, 5);
  const std::vector<double> q = to_double(p.q), k = to_double(p.k), v = to_double(p.v);
  const std::vector<double> grad_out = to_double(p.grad_out);
  const auto f = ref::linear_attention_forward(q, k, v, s, kEps);
  const auto got = ref::linear_attention_backward(q, k, v, f, grad_out, s, kEps);
  const auto loss = [&](const auto& at_q, const auto& at_k, const auto& at_v) {
    return testing::dot(grad_out, ref::linear_attention_forward(at_q, at_k, at_v, s, kEps).out);
  };
  using testing::central_differences, testing::largest_difference;
  CHECK(largest_difference(got.q, central_differences(q, [&](auto& x) { return loss(x, k, v); })) < 1e-8);
  CHECK(largest_difference(got.k, central_differences(k, [&](auto& x) { return loss(q, x, v); })) < 1e-8);
  CHECK(largest_difference(got.v, central_differences(v, [&](auto& x) { return loss(q, k, x); })) < 1e-8);
}

TEST_CASE("linear_attention takes q, k and v out of one tensor, and puts their gradients into one") {
  const AttentionCase shape = {2, 35, 3, 20};
  const Problem p(shape, 6);
  const Forward apart = forward(p);
  const Grads grads = backward(p, apart);
  const int64_t part = shape.heads * shape.width, tokens = shape.batch * shape.tokens;
  GuardedBuffer<float> qkv(3 * shape.size()), grad(3 * shape.size()), out(shape.size());
  GuardedBuffer<float> kv(6 * 20 * 20), k_sum(6 * 20);
  GuardedBuffer<float> workspace(linear_attention_backward_workspace_bytes(2, 35, 3, 20) / sizeof(float));
  for (int64_t t = 0; t < tokens; ++t) {
    for (int64_t c = 0; c < part; ++c) {
      qkv[t * 3 * part + c] = p.q[t * part + c];
      qkv[t * 3 * part + part + c] = p.k[t * part + c];
      qkv[t * 3 * part + 2 * part + c] = p.v[t * part + c];
    }
  }
  const AttentionStrides in = attention_qkv_strides(35, 3, 20), plain = strides_of(shape);
  Staging s;
  const float* q = s.in(qkv);
  float* grad_q = s.out(grad);
  float *o = s.out(out), *m = s.out(kv), *sum = s.out(k_sum);
  run(linear_attention_forward, {q, q + part, q + 2 * part, o, m, sum, 2, 35, 3, 20, in, in, in, plain, kEps},
      s.stream());
  run(linear_attention_backward,
      {q,
       q + part,
       q + 2 * part,
       o,
       m,
       sum,
       s.in(p.grad_out),
       grad_q,
       grad_q + part,
       grad_q + 2 * part,
       s.out(workspace),
       2,
       35,
       3,
       20,
       in,
       in,
       in,
       plain,
       kEps},
      s.stream());
  s.finish();
  CHECK((out.guards_intact() && grad.guards_intact()));
  // oneDNN may choose another kernel for another leading dimension: not bit by bit, but as near as rounding lets it.
  const auto near = [](const std::vector<float>& got, const std::vector<float>& want) {
    return count_wrong(got, to_double(want), std::vector<double>(want.size(), 1e-4)) == 0;
  };
  CHECK(near(out.values(), apart.out));
  std::vector<float> got_q, got_k, got_v;
  for (int64_t t = 0; t < tokens; ++t) {
    for (int64_t c = 0; c < part; ++c) {
      got_q.push_back(grad[t * 3 * part + c]);
      got_k.push_back(grad[t * 3 * part + part + c]);
      got_v.push_back(grad[t * 3 * part + 2 * part + c]);
    }
  }
  CHECK((near(got_q, grads.q) && near(got_k, grads.k) && near(got_v, grads.v)));
}

void check_strided(const AttentionCase& shape, const StridedCase& t) {
  CAPTURE(static_cast<int>(t.q));
  CAPTURE(static_cast<int>(t.k));
  CAPTURE(static_cast<int>(t.v));
  CAPTURE(static_cast<int>(t.out));
  const auto [batch, tokens, heads, width] = shape;
  const Problem p(shape, 11);
  const AttentionStrides q_strides = gapped_strides(shape, 1, t.q), k_strides = gapped_strides(shape, 2, t.k);
  const AttentionStrides v_strides = gapped_strides(shape, 3, t.v), out_strides = gapped_strides(shape, 4, t.out);
  StridedOperand q(shape, q_strides), k(shape, k_strides), v(shape, v_strides), out(shape, out_strides);
  StridedOperand grad_q(shape, q_strides), grad_k(shape, k_strides), grad_v(shape, v_strides);
  StridedOperand grad_out(shape, out_strides);
  q.put(p.q);
  k.put(p.k);
  v.put(p.v);
  grad_out.put(p.grad_out);
  GuardedBuffer<float> kv(batch * heads * width * width), k_sum(batch * heads * width);
  GuardedBuffer<float> workspace(linear_attention_backward_workspace_bytes(batch, tokens, heads, width) /
                                 sizeof(float));
  Staging stage;
  float *saved_kv = stage.out(kv), *saved_k_sum = stage.out(k_sum);
  run(linear_attention_forward,
      {q.data(), k.data(), v.data(), out.data(), saved_kv, saved_k_sum, batch, tokens, heads, width, q_strides,
       k_strides, v_strides, out_strides, kEps},
      stage.stream());
  run(linear_attention_backward,
      {q.data(),
       k.data(),
       v.data(),
       out.data(),
       saved_kv,
       saved_k_sum,
       grad_out.data(),
       grad_q.data(),
       grad_k.data(),
       grad_v.data(),
       stage.out(workspace),
       batch,
       tokens,
       heads,
       width,
       q_strides,
       k_strides,
       v_strides,
       out_strides,
       kEps},
      stage.stream());
  stage.finish();
  const Forward f = {out.get(), kv.values(), k_sum.values()};
  const auto want = ref::linear_attention_forward(to_double(p.q), to_double(p.k), to_double(p.v), shape, kEps);
  CHECK(count_wrong(f.out, want.out, want.out_tolerance) == 0);
  const auto grads = ref::linear_attention_backward(to_double(p.q), to_double(p.k), to_double(p.v), saved(f, want),
                                                    to_double(p.grad_out), shape, kEps);
  CHECK(count_wrong(grad_q.get(), grads.q, grads.q_tolerance) == 0);
  CHECK(count_wrong(grad_k.get(), grads.k, grads.k_tolerance) == 0);
  CHECK(count_wrong(grad_v.get(), grads.v, grads.v_tolerance) == 0);
}

TEST_CASE("linear_attention takes operands of any strides, beyond element 2^31 too") {
  for (const StridedCase& t : strided_cases()) check_strided({2, 5, 3, 20}, t);
  check_strided({2, 33, 3, 70}, {});
  check_strided({2, 33, 2, 70}, {FarAxis::kToken, FarAxis::kNone, FarAxis::kNone, FarAxis::kHead});
}

TEST_CASE("linear_attention's gradients accumulate where they are told to, and only those asked for are computed") {
  const Problem p({1, 70, 2, 24}, 7);
  const Forward f = forward(p);
  const Grads once = backward(p, f);
  const auto is_sum = [](const std::vector<float>& got, const std::vector<float>& want) {
    std::vector<double> expected, tolerance;
    for (const float v : want) expected.push_back(v + 0.5), tolerance.push_back(1e-5 * (1 + std::fabs(v)));
    return count_wrong(got, expected, tolerance) == 0;  // sgemm adds to c piece by piece: other roundings
  };
  constexpr GradMode kAdd = GradMode::kAccumulate, kSet = GradMode::kOverwrite;
  for (const GradModes& modes :
       {GradModes{kAdd, kAdd, kAdd}, {kAdd, kSet, kSet}, {kSet, kAdd, kSet}, {kSet, kSet, kAdd}}) {
    const Grads got = backward(p, f, modes, 0.5f);
    CHECK((modes.q == kAdd ? is_sum(got.q, once.q) : got.q == once.q));
    CHECK((modes.k == kAdd ? is_sum(got.k, once.k) : got.k == once.k));
    CHECK((modes.v == kAdd ? is_sum(got.v, once.v) : got.v == once.v));
  }
  GuardedBuffer<float> q(p.shape.size()), v(p.shape.size());
  GuardedBuffer<float> workspace(linear_attention_backward_workspace_bytes(1, 70, 2, 24) / sizeof(float));
  const AttentionStrides strides = strides_of(p.shape);
  Staging s;
  LinearAttentionBackwardArgs args = {s.in(p.q),
                                      s.in(p.k),
                                      s.in(p.v),
                                      s.in(f.out),
                                      s.in(f.kv),
                                      s.in(f.k_sum),
                                      s.in(p.grad_out),
                                      s.out(q),
                                      nullptr,
                                      nullptr,
                                      s.out(workspace),
                                      1,
                                      70,
                                      2,
                                      24,
                                      strides,
                                      strides,
                                      strides,
                                      strides,
                                      kEps};
  run(linear_attention_backward, args, s.stream());
  args.grad_q = nullptr, args.grad_v = s.out(v);
  run(linear_attention_backward, args, s.stream());
  s.finish();
  CHECK(q.values() == once.q);
  CHECK(v.values() == once.v);
}

TEST_CASE("linear_attention keeps a NaN in q in its row, and large q finite") {
  Problem p({1, 40, 1, 16}, 8);
  for (float& x : p.q) x *= 1000;
  p.q[7 * 16 + 3] = std::numeric_limits<float>::quiet_NaN();
  const Forward f = forward(p);
  for (int64_t i = 0; i < 40 * 16; ++i) CHECK(std::isfinite(f.out[i]) == (i / 16 != 7));
}

TEST_CASE("linear_attention gives the same bits again, for any number of threads") {
  const Problem p({2, 90, 2, 32}, 9);
  const Forward one = forward(p);
  const Grads one_back = backward(p, one);
  for (const int threads : {1, 3}) {
    set_num_threads(threads);
    const Forward f = forward(p);
    CHECK((same_bits(f.out, one.out) && same_bits(f.kv, one.kv) && same_bits(f.k_sum, one.k_sum)));
    const Grads b = backward(p, one);
    CHECK((same_bits(b.q, one_back.q) && same_bits(b.k, one_back.k) && same_bits(b.v, one_back.v)));
  }
}

}  // namespace
}  // namespace assay::kernels
