// SPDX-License-Identifier: Apache-2.0
// Image and head in parallel. phi of a head (T x HD, 200 KiB at 789 tokens of 64 channels) is written side by side into
// each worker's own memory; the products are oneDNN's sgemm, which reads and writes the rest with its strides in place.
#include <algorithm>
#include <oneapi/dnnl/dnnl.hpp>
#include <vector>

#include "kernels/attention/linear_attention.h"
#include "kernels/base/check.h"
#include "kernels/base/one_thread.h"
#include "kernels/base/parallel.h"
#include "kernels/base/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attention/linear_attention_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After highway.h: compiled again for each target.
#include "kernels/base/simd_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::kernels {
namespace HWY_NAMESPACE {

// phi (T, HD) of x, whose rows are `stride` apart. Brought together first: a row is no whole number of vectors, and an
// exponential of what is left over at the end of each would cost more than those of the vectors.
void linear_features(const float* x, int64_t stride, int64_t tokens, int64_t width, float* phi) {
  for (int64_t t = 0; t < tokens; ++t) std::copy_n(x + t * stride, width, phi + t * width);
  for_lanes(tokens * width, [&](auto d, int64_t i) {
    const auto v = hn::LoadU(d, phi + i);
    const auto positive = hn::Gt(v, hn::Zero(d));
    const auto power = exp_or_nan(d, hn::IfThenZeroElse(positive, v));
    hn::StoreU(hn::IfThenElse(positive, hn::Add(v, hn::Set(d, 1.0f)), power), d, phi + i);
  });
}

// sum += weight * row.
void linear_add_row(const float* row, float weight, int64_t width, float* sum) {
  for_lanes(width, [&](auto d, int64_t c) {
    hn::StoreU(hn::MulAdd(hn::LoadU(d, row + c), hn::Set(d, weight), hn::LoadU(d, sum + c)), d, sum + c);
  });
}

float linear_row_dot(const float* a, const float* b, int64_t count) {
  return sum_of(count, [&](auto d, int64_t i) { return hn::Mul(hn::LoadU(d, a + i), hn::LoadU(d, b + i)); });
}

void linear_scale_row(const float* row, float scale, int64_t width, float* scaled) {
  for_lanes(width,
            [&](auto d, int64_t c) { hn::StoreU(hn::Mul(hn::LoadU(d, row + c), hn::Set(d, scale)), d, scaled + c); });
}

// grad = (product + weight * vector) * phi', phi' being phi up to 1.
void linear_grad_row(const float* product, const float* vector, float weight, const float* phi, int64_t width,
                     bool accumulate, float* grad) {
  for_lanes(width, [&](auto d, int64_t c) {
    const auto sum = hn::MulAdd(hn::LoadU(d, vector + c), hn::Set(d, weight), hn::LoadU(d, product + c));
    const auto value = hn::LoadU(d, phi + c), one = hn::Set(d, 1.0f);
    store_grad(d, accumulate, hn::Mul(sum, hn::IfThenElse(hn::Gt(value, one), one, value)), grad + c);
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace assay::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::kernels {

HWY_EXPORT(linear_features);
HWY_EXPORT(linear_add_row);
HWY_EXPORT(linear_row_dot);
HWY_EXPORT(linear_scale_row);
HWY_EXPORT(linear_grad_row);

// C = op(A) op(B) + beta C, row-major. In the calling thread.
static void product(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const float* a, int64_t lda,
                    const float* b, int64_t ldb, float beta, float* c, int64_t ldc) {
  const dnnl::status status =
      dnnl::sgemm(transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', m, n, k, 1, a, lda, b, ldb, beta, c, ldc);
  ASSAY_CHECK(status == dnnl::status::success, "linear_attention: oneDNN refuses ", m, " x ", n, " x ", k);
}

static int64_t offset(const AttentionStrides& strides, int64_t image, int64_t head) {
  return image * strides.image + head * strides.head;
}

static void forward_head(const LinearAttentionForwardArgs& a, int64_t image, int64_t head) {
  const int64_t tokens = a.tokens, width = a.head_width, index = image * a.heads + head;
  float* kv = a.kv + index * width * width;
  float* k_sum = a.k_sum + index * width;
  std::fill(k_sum, k_sum + width, 0.0f);
  if (tokens == 0) {
    std::fill(kv, kv + width * width, 0.0f);
    return;
  }
  std::vector<float> phi(tokens * width);
  HWY_DYNAMIC_DISPATCH(linear_features)
  (a.k + offset(a.k_strides, image, head), a.k_strides.token, tokens, width, phi.data());
  for (int64_t t = 0; t < tokens; ++t) HWY_DYNAMIC_DISPATCH(linear_add_row)(phi.data() + t * width, 1, width, k_sum);
  product(true, false, width, width, tokens, phi.data(), width, a.v + offset(a.v_strides, image, head),
          a.v_strides.token, 0, kv, width);
  HWY_DYNAMIC_DISPATCH(linear_features)
  (a.q + offset(a.q_strides, image, head), a.q_strides.token, tokens, width, phi.data());
  float* out = a.out + offset(a.out_strides, image, head);
  product(false, false, tokens, width, width, phi.data(), width, kv, width, 0, out, a.out_strides.token);
  for (int64_t t = 0; t < tokens; ++t) {
    float* row = out + t * a.out_strides.token;
    const float n = HWY_DYNAMIC_DISPATCH(linear_row_dot)(phi.data() + t * width, k_sum, width) + a.eps;
    HWY_DYNAMIC_DISPATCH(linear_scale_row)(row, 1 / n, width, row);
  }
}

// What the gradients of one head share.
struct LinearBackward {
  std::vector<float> phi_q, phi_k;  // (T, HD)
  std::vector<float> scaled;        // (T, HD)  grad_out / n
  float* m;                         // (T)
  float* grad_kv;                   // (HD, HD)
  float* grad_k_sum;                // (HD)
};

static LinearBackward prepare(const LinearAttentionBackwardArgs& a, int64_t image, int64_t head) {
  const int64_t tokens = a.tokens, width = a.head_width, index = image * a.heads + head;
  float* workspace = a.workspace + index * (2 * tokens + width * width + width);
  LinearBackward b = {std::vector<float>(tokens * width),
                      std::vector<float>(tokens * width),
                      std::vector<float>(tokens * width),
                      workspace + tokens,
                      workspace + 2 * tokens,
                      workspace + 2 * tokens + width * width};
  HWY_DYNAMIC_DISPATCH(linear_features)
  (a.q + offset(a.q_strides, image, head), a.q_strides.token, tokens, width, b.phi_q.data());
  HWY_DYNAMIC_DISPATCH(linear_features)
  (a.k + offset(a.k_strides, image, head), a.k_strides.token, tokens, width, b.phi_k.data());
  std::fill(b.grad_k_sum, b.grad_k_sum + width, 0.0f);
  for (int64_t t = 0; t < tokens; ++t) {
    const int64_t at = offset(a.out_strides, image, head) + t * a.out_strides.token;
    const float* phi = b.phi_q.data() + t * width;
    const float z = 1 / (HWY_DYNAMIC_DISPATCH(linear_row_dot)(phi, a.k_sum + index * width, width) + a.eps);
    b.m[t] = -z * HWY_DYNAMIC_DISPATCH(linear_row_dot)(a.grad_out + at, a.out + at, width);
    HWY_DYNAMIC_DISPATCH(linear_scale_row)(a.grad_out + at, z, width, b.scaled.data() + t * width);
    HWY_DYNAMIC_DISPATCH(linear_add_row)(phi, b.m[t], width, b.grad_k_sum);
  }
  product(true, false, width, width, tokens, b.phi_q.data(), width, b.scaled.data(), width, 0, b.grad_kv, width);
  return b;
}

static void backward_head(const LinearAttentionBackwardArgs& a, int64_t image, int64_t head) {
  const int64_t tokens = a.tokens, width = a.head_width, index = image * a.heads + head;
  if (tokens == 0) return;
  const LinearBackward b = prepare(a, image, head);
  std::vector<float> sums(tokens * width);
  if (a.grad_q != nullptr) {
    product(false, true, tokens, width, width, b.scaled.data(), width, a.kv + index * width * width, width, 0,
            sums.data(), width);
    float* grad = a.grad_q + offset(a.q_strides, image, head);
    for (int64_t t = 0; t < tokens; ++t) {
      HWY_DYNAMIC_DISPATCH(linear_grad_row)
      (sums.data() + t * width, a.k_sum + index * width, b.m[t], b.phi_q.data() + t * width, width,
       a.grad_q_mode == GradMode::kAccumulate, grad + t * a.q_strides.token);
    }
  }
  if (a.grad_k != nullptr) {
    product(false, true, tokens, width, width, a.v + offset(a.v_strides, image, head), a.v_strides.token, b.grad_kv,
            width, 0, sums.data(), width);
    float* grad = a.grad_k + offset(a.k_strides, image, head);
    for (int64_t t = 0; t < tokens; ++t) {
      HWY_DYNAMIC_DISPATCH(linear_grad_row)
      (sums.data() + t * width, b.grad_k_sum, 1, b.phi_k.data() + t * width, width,
       a.grad_k_mode == GradMode::kAccumulate, grad + t * a.k_strides.token);
    }
  }
  if (a.grad_v != nullptr) {
    product(false, false, tokens, width, width, b.phi_k.data(), width, b.grad_kv, width,
            a.grad_v_mode == GradMode::kAccumulate ? 1 : 0, a.grad_v + offset(a.v_strides, image, head),
            a.v_strides.token);
  }
}

void linear_attention_forward_cpu(const LinearAttentionForwardArgs& a) {
  parallel_for(a.batch * a.heads, 1, [&](int64_t begin, int64_t end) {
    const OneThread one_thread;
    for (int64_t i = begin; i < end; ++i) forward_head(a, i / a.heads, i % a.heads);
  });
}

void linear_attention_backward_cpu(const LinearAttentionBackwardArgs& a) {
  parallel_for(a.batch * a.heads, 1, [&](int64_t begin, int64_t end) {
    const OneThread one_thread;
    for (int64_t i = begin; i < end; ++i) backward_head(a, i / a.heads, i % a.heads);
  });
}

}  // namespace assay::kernels
#endif
