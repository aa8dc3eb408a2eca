// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/attention/attention.h"
#include "kernels/attention/attention_ref.h"
#include "kernels/attention/linear_attention.h"
#include "kernels/attention/linear_attention_ref.h"
#include "tests/support/numbers.h"
#include "tools/bench/case.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;
using testing::random_floats;

// q, k and v out of one tensor, gradients into one, as in a ViT.
struct Heads {
  explicit Heads(const ref::AttentionCase& c)
      : s(c),
        in(attention_qkv_strides(c.tokens, c.heads, c.width)),
        plain(attention_strides(c.tokens, c.heads, c.width)),
        qkv(random_floats(3 * c.size(), 1)),
        grad_out(random_floats(c.size(), 2)),
        out(c.size()),
        grad(3 * c.size()),
        lse(c.batch * c.heads * c.tokens),
        kv(c.batch * c.heads * c.width * c.width),
        k_sum(c.batch * c.heads * c.width),
        workspace(linear_attention_backward_workspace_bytes(c.batch, c.tokens, c.heads, c.width) / sizeof(float)) {}
  void softmax_forward() {
    run(attention_forward, {q(), q() + part(), q() + 2 * part(), out.data(), lse.data(), s.batch, s.tokens, s.heads,
                            s.width, in, in, in, plain});
  }
  void softmax_backward() {
    run(attention_backward, {q(), q() + part(), q() + 2 * part(), out.data(), lse.data(), grad_out.data(), grad.data(),
                             grad.data() + part(), grad.data() + 2 * part(), workspace.data(), s.batch, s.tokens,
                             s.heads, s.width, in, in, in, plain});
  }
  void linear_forward() {
    run(linear_attention_forward, {q(), q() + part(), q() + 2 * part(), out.data(), kv.data(), k_sum.data(), s.batch,
                                   s.tokens, s.heads, s.width, in, in, in, plain});
  }
  void linear_backward() {
    run(linear_attention_backward, {q(), q() + part(), q() + 2 * part(), out.data(), kv.data(), k_sum.data(),
                                    grad_out.data(), grad.data(), grad.data() + part(), grad.data() + 2 * part(),
                                    workspace.data(), s.batch, s.tokens, s.heads, s.width, in, in, in, plain});
  }
  // The first image and head's outputs.
  bool holds(bool linear) const {
    const ref::AttentionCase one = {1, s.tokens, 1, s.width};
    std::vector<double> parts[3];
    std::vector<float> got;
    for (int64_t t = 0; t < s.tokens; ++t) {
      for (int64_t c = 0; c < s.width; ++c) {
        for (int64_t i = 0; i < 3; ++i) parts[i].push_back(qkv[t * in.token + i * part() + c]);
        got.push_back(out[t * plain.token + c]);
      }
    }
    if (linear) {
      const auto want = ref::linear_attention_forward(parts[0], parts[1], parts[2], one, 0);
      return testing::count_wrong(got, want.out, want.out_tolerance) == 0;
    }
    const auto want = ref::attention_forward(parts[0], parts[1], parts[2], one);
    return testing::count_wrong(got, want.out, want.out_tolerance) == 0;
  }
  const float* q() const { return qkv.data(); }
  int64_t part() const { return s.heads * s.width; }

  ref::AttentionCase s;
  AttentionStrides in, plain;
  std::vector<float> qkv, grad_out, out, grad, lse, kv, k_sum, workspace;
};

PreparedCase prepare_heads(const ref::AttentionCase& s, bool linear, bool backward) {
  const auto heads = std::make_shared<Heads>(s);
  linear ? heads->linear_forward() : heads->softmax_forward();
  const auto body = [=] {
    if (linear) {
      backward ? heads->linear_backward() : heads->linear_forward();
    } else {
      backward ? heads->softmax_backward() : heads->softmax_forward();
    }
  };
  return {body, {}, [=] { return heads->holds(linear); }};
}

}  // namespace

std::vector<Case> attention_cases() {
  const ref::AttentionCase s = {2, 789, 12, 64};  // two images of a ViT-B
  const auto prepare = [s](bool linear, bool backward) { return [=] { return prepare_heads(s, linear, backward); }; };
  return {{"attention_forward", "2x789x12x64", ref::attention_forward_flop(s), ref::attention_forward_bytes(s),
           prepare(false, false)},
          {"attention_backward", "2x789x12x64", ref::attention_backward_flop(s), ref::attention_backward_bytes(s),
           prepare(false, true)},
          {"linear_attention_forward", "2x789x12x64", ref::linear_attention_forward_flop(s),
           ref::attention_forward_bytes(s), prepare(true, false)},
          {"linear_attention_backward", "2x789x12x64", ref::linear_attention_backward_flop(s),
           ref::attention_backward_bytes(s), prepare(true, true)}};
}

}  // namespace assay::bench
