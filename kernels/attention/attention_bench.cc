// SPDX-License-Identifier: Apache-2.0
// Two images of a ViT-B: q, k and v out of one tensor, gradients into one.
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/attention/attention.h"
#include "kernels/attention/attention_ref.h"
#include "kernels/attention/linear_attention.h"
#include "kernels/attention/linear_attention_ref.h"
#include "tools/bench/case_list.h"
#include "tools/bench/launch.h"
#include "tools/bench/samples.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;

int64_t workspace_floats(const ref::AttentionCase& s, bool linear) {
  const size_t bytes = linear ? linear_attention_backward_workspace_bytes(s.batch, s.tokens, s.heads, s.width)
                              : attention_backward_workspace_bytes(s.batch, s.tokens, s.heads);
  return static_cast<int64_t>(bytes / sizeof(float));
}

struct Heads {
  Heads(const ref::AttentionCase& c, bool is_linear)
      : s(c),
        linear(is_linear),
        in(attention_qkv_strides(c.tokens, c.heads, c.width)),
        plain(attention_strides(c.tokens, c.heads, c.width)),
        qkv(samples(3 * c.size(), 1, -2, 2)),
        grad_out(samples(c.size(), 2, -2, 2)),
        out(c.size()),
        grad(3 * c.size()),
        lse(linear ? 0 : c.batch * c.heads * c.tokens),
        kv(linear ? c.batch * c.heads * c.width * c.width : 0),
        k_sum(linear ? c.batch * c.heads * c.width : 0),
        workspace(workspace_floats(c, linear)) {}
  void forward() {
    const float *q = qkv.data(), *k = q + part(), *v = k + part();
    if (linear) {
      launch(linear_attention_forward,
             {q, k, v, out.data(), kv.data(), k_sum.data(), s.batch, s.tokens, s.heads, s.width, in, in, in, plain});
    } else {
      launch(attention_forward,
             {q, k, v, out.data(), lse.data(), s.batch, s.tokens, s.heads, s.width, in, in, in, plain});
    }
  }
  void backward() {
    const float *q = qkv.data(), *k = q + part(), *v = k + part();
    float *grad_q = grad.data(), *grad_k = grad_q + part(), *grad_v = grad_k + part();
    if (linear) {
      launch(linear_attention_backward,
             {q, k, v, out.data(), kv.data(), k_sum.data(), grad_out.data(), grad_q, grad_k, grad_v, workspace.data(),
              s.batch, s.tokens, s.heads, s.width, in, in, in, plain});
    } else {
      launch(attention_backward, {q, k, v, out.data(), lse.data(), grad_out.data(), grad_q, grad_k, grad_v,
                                  workspace.data(), s.batch, s.tokens, s.heads, s.width, in, in, in, plain});
    }
  }
  // The first image and head's outputs, or gradients.
  bool holds(bool is_backward) const {
    const ref::AttentionCase one = {1, s.tokens, 1, s.width};
    const std::vector<double> q = first(qkv, in, 0), k = first(qkv, in, 1), v = first(qkv, in, 2);
    if (!is_backward) {
      if (!linear) {
        const ref::Attention want = ref::attention_forward(q, k, v, one);
        return near(first(out, plain, 0), want.out, want.out_tolerance);
      }
      const ref::LinearAttention want = ref::linear_attention_forward(q, k, v, one, 0);
      return near(first(out, plain, 0), want.out, want.out_tolerance);
    }
    const std::vector<double> grad_y = first(grad_out, plain, 0);
    const ref::AttentionGrads want =
        linear ? ref::linear_attention_backward(q, k, v, ref::linear_attention_forward(q, k, v, one, 0), grad_y, one, 0)
               : ref::attention_backward(q, k, v, ref::attention_forward(q, k, v, one), grad_y, one);
    return near(first(grad, in, 0), want.q, want.q_tolerance) && near(first(grad, in, 1), want.k, want.k_tolerance) &&
           near(first(grad, in, 2), want.v, want.v_tolerance);
  }

 private:
  int64_t part() const { return s.heads * s.width; }
  // Of the first image and head, what stands `parts` behind the start of each token.
  std::vector<double> first(const Buffer<float>& all, const AttentionStrides& strides, int64_t parts) const {
    const std::vector<float> image = all.values(0, s.tokens * strides.token);
    std::vector<double> x;
    for (int64_t t = 0; t < s.tokens; ++t) {
      for (int64_t c = 0; c < s.width; ++c) x.push_back(image[t * strides.token + parts * part() + c]);
    }
    return x;
  }
  // The reference's forward is exact, the kernel's rounded: gradients may differ by twice their own errors.
  static bool near(const std::vector<double>& got, const std::vector<double>& want,
                   const std::vector<double>& tolerance) {
    for (size_t i = 0; i < want.size(); ++i) {
      if (!(std::fabs(got[i] - want[i]) <= 2 * tolerance[i])) return false;
    }
    return true;
  }

  ref::AttentionCase s;
  bool linear;
  AttentionStrides in, plain;
  Buffer<float> qkv, grad_out, out, grad, lse, kv, k_sum, workspace;
};

PreparedCase prepare(const ref::AttentionCase& s, bool linear, bool backward) {
  const auto heads = std::make_shared<Heads>(s, linear);
  heads->forward();
  return {[=] { backward ? heads->backward() : heads->forward(); }, [=] { return heads->holds(backward); }};
}

}  // namespace

std::vector<Case> attention_cases(const Scale& scale) {
  const ref::AttentionCase s = {scale(2), scale(789), scale(12), scale(64, 16)};
  const std::string shape = shape_text({s.batch, s.tokens, s.heads, s.width});
  const auto make = [s](bool linear, bool backward) { return [=] { return prepare(s, linear, backward); }; };
  return {
      {"attention_forward", shape, ref::attention_forward_flop(s), ref::attention_forward_bytes(s), make(false, false)},
      {"attention_backward", shape, ref::attention_backward_flop(s), ref::attention_backward_bytes(s),
       make(false, true)},
      {"linear_attention_forward", shape, ref::linear_attention_forward_flop(s), ref::attention_forward_bytes(s),
       make(true, false)},
      {"linear_attention_backward", shape, ref::linear_attention_backward_flop(s), ref::attention_backward_bytes(s),
       make(true, true)}};
}

}  // namespace assay::bench
