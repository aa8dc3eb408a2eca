// SPDX-License-Identifier: Apache-2.0
// Image and head in parallel; within one, stripes of kStripe queries against all keys. The products are oneDNN's sgemm,
// which reads and writes operands with their strides in place; a stripe of scores (kStripe x T, 200 KiB at 789 tokens)
// stays in the second-level cache between them. The stripes are each worker's own, sized by the tokens.
#include <algorithm>
#include <cmath>
#include <oneapi/dnnl/dnnl.hpp>
#include <vector>

#include "kernels/attention/attention.h"
#include "kernels/base/check.h"
#include "kernels/base/one_thread.h"
#include "kernels/base/parallel.h"
#include "kernels/base/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attention/attention_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After highway.h: compiled again for each target.
#include "kernels/base/simd_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::kernels {
namespace HWY_NAMESPACE {

// scores (rows, T) become e^(score - max) / sum; lse (rows) may be null.
void softmax_stripe(float* scores, int64_t rows, int64_t tokens, float* lse) {
  for (int64_t r = 0; r < rows; ++r) {
    float* x = scores + r * tokens;
    const float maximum = maximum_of(x, tokens);
    const float sum = sum_of(tokens, [&](auto d, int64_t j) {
      const auto power = exp_or_nan(d, hn::Sub(hn::LoadU(d, x + j), hn::Set(d, maximum)));
      hn::StoreU(power, d, x + j);
      return power;
    });
    const float scale = 1 / sum;
    for_lanes(tokens,
              [&](auto d, int64_t j) { hn::StoreU(hn::Mul(hn::LoadU(d, x + j), hn::Set(d, scale)), d, x + j); });
    if (lse != nullptr) lse[r] = maximum + std::log(sum);
  }
}

// scores become p = e^(score - lse), and grads, which hold dp, become ds = p (dp - delta).
void softmax_grad_stripe(float* scores, float* grads, int64_t rows, int64_t tokens, const float* lse,
                         const float* delta) {
  for (int64_t r = 0; r < rows; ++r) {
    float* x = scores + r * tokens;
    float* grad = grads + r * tokens;
    for_lanes(tokens, [&](auto d, int64_t j) {
      const auto p = exp_or_nan(d, hn::Sub(hn::LoadU(d, x + j), hn::Set(d, lse[r])));
      hn::StoreU(p, d, x + j);
      hn::StoreU(hn::Mul(p, hn::Sub(hn::LoadU(d, grad + j), hn::Set(d, delta[r]))), d, grad + j);
    });
  }
}

// Dot product of two rows.
float attention_row_dot(const float* a, const float* b, int64_t count) {
  return sum_of(count, [&](auto d, int64_t i) { return hn::Mul(hn::LoadU(d, a + i), hn::LoadU(d, b + i)); });
}

}  // namespace HWY_NAMESPACE
}  // namespace assay::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::kernels {

HWY_EXPORT(softmax_stripe);
HWY_EXPORT(softmax_grad_stripe);
HWY_EXPORT(attention_row_dot);

constexpr int64_t kStripe = 64;  // queries: enough rows for sgemm's blocks, few enough for the cache

// C = alpha op(A) op(B) + beta C, row-major. In the calling thread.
static void product(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, float alpha, const float* a,
                    int64_t lda, const float* b, int64_t ldb, float beta, float* c, int64_t ldc) {
  const dnnl::status status =
      dnnl::sgemm(transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  ASSAY_CHECK(status == dnnl::status::success, "attention: oneDNN refuses ", m, " x ", n, " x ", k);
}

// Where an operand's image and head begin.
template <class T>
static T* at(T* p, const AttentionStrides& strides, int64_t image, int64_t head) {
  return p == nullptr ? nullptr : p + image * strides.image + head * strides.head;
}

static void forward_head(const AttentionForwardArgs& a, int64_t image, int64_t head) {
  const float* q = at(a.q, a.q_strides, image, head);
  const float* k = at(a.k, a.k_strides, image, head);
  const float* v = at(a.v, a.v_strides, image, head);
  float* out = at(a.out, a.out_strides, image, head);
  const float scale = 1 / std::sqrt(static_cast<float>(a.head_width));
  std::vector<float> scores(std::min(kStripe, a.tokens) * a.tokens);
  for (int64_t i = 0; i < a.tokens; i += kStripe) {
    const int64_t rows = std::min(kStripe, a.tokens - i);
    product(false, true, rows, a.tokens, a.head_width, scale, q + i * a.q_strides.token, a.q_strides.token, k,
            a.k_strides.token, 0, scores.data(), a.tokens);
    float* lse = a.lse == nullptr ? nullptr : a.lse + (image * a.heads + head) * a.tokens + i;
    HWY_DYNAMIC_DISPATCH(softmax_stripe)(scores.data(), rows, a.tokens, lse);
    product(false, false, rows, a.head_width, a.tokens, 1, scores.data(), a.tokens, v, a.v_strides.token, 0,
            out + i * a.out_strides.token, a.out_strides.token);
  }
}

static void backward_head(const AttentionBackwardArgs& a, int64_t image, int64_t head) {
  const int64_t tokens = a.tokens, width = a.head_width;
  const float* q = at(a.q, a.q_strides, image, head);
  const float* k = at(a.k, a.k_strides, image, head);
  const float* v = at(a.v, a.v_strides, image, head);
  const float* out = at(a.out, a.out_strides, image, head);
  const float* grad_out = at(a.grad_out, a.out_strides, image, head);
  float* grad_q = at(a.grad_q, a.q_strides, image, head);
  float* grad_k = at(a.grad_k, a.k_strides, image, head);
  float* grad_v = at(a.grad_v, a.v_strides, image, head);
  float* delta = a.workspace + (image * a.heads + head) * tokens;
  const float* lse = a.lse + (image * a.heads + head) * tokens;
  const float scale = 1 / std::sqrt(static_cast<float>(width));
  std::vector<float> scores(std::min(kStripe, tokens) * tokens), grads(scores.size());
  for (int64_t i = 0; i < tokens; i += kStripe) {
    const int64_t rows = std::min(kStripe, tokens - i);
    const float* q_stripe = q + i * a.q_strides.token;
    const float* grad_stripe = grad_out + i * a.out_strides.token;
    for (int64_t r = 0; r < rows; ++r) {
      delta[i + r] = HWY_DYNAMIC_DISPATCH(attention_row_dot)(grad_stripe + r * a.out_strides.token,
                                                             out + (i + r) * a.out_strides.token, width);
    }
    product(false, true, rows, tokens, width, scale, q_stripe, a.q_strides.token, k, a.k_strides.token, 0,
            scores.data(), tokens);
    product(false, true, rows, tokens, width, 1, grad_stripe, a.out_strides.token, v, a.v_strides.token, 0,
            grads.data(), tokens);
    HWY_DYNAMIC_DISPATCH(softmax_grad_stripe)(scores.data(), grads.data(), rows, tokens, lse + i, delta + i);
    // The first stripe overwrites unless it is told to add; the others always add.
    const auto beta = [&](GradMode mode) { return i > 0 || mode == GradMode::kAccumulate ? 1.0f : 0.0f; };
    if (grad_v != nullptr) {
      product(true, false, tokens, width, rows, 1, scores.data(), tokens, grad_stripe, a.out_strides.token,
              beta(a.grad_v_mode), grad_v, a.v_strides.token);
    }
    if (grad_k != nullptr) {
      product(true, false, tokens, width, rows, scale, grads.data(), tokens, q_stripe, a.q_strides.token,
              beta(a.grad_k_mode), grad_k, a.k_strides.token);
    }
    if (grad_q != nullptr) {
      product(false, false, rows, width, tokens, scale, grads.data(), tokens, k, a.k_strides.token,
              a.grad_q_mode == GradMode::kAccumulate ? 1.0f : 0.0f, grad_q + i * a.q_strides.token, a.q_strides.token);
    }
  }
}

// body(image, head) for each of them, in parallel, with oneDNN kept to one thread.
template <class Body>
static void for_each_head(int64_t batch, int64_t heads, const Body& body) {
  parallel_for(batch * heads, 1, [&](int64_t begin, int64_t end) {
    const OneThread one_thread;
    for (int64_t i = begin; i < end; ++i) body(i / heads, i % heads);
  });
}

void attention_forward_cpu(const AttentionForwardArgs& a) {
  for_each_head(a.batch, a.heads, [&](int64_t image, int64_t head) { forward_head(a, image, head); });
}

void attention_backward_cpu(const AttentionBackwardArgs& a) {
  for_each_head(a.batch, a.heads, [&](int64_t image, int64_t head) { backward_head(a, image, head); });
}

}  // namespace assay::kernels
#endif
