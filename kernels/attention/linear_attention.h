// SPDX-License-Identifier: Apache-2.0
// Linear attention: with phi(x) = elu(x) + 1 > 0 in place of the exponential, for each image and head,
//   kv = sum over tokens of phi(k) v^T,   k_sum = sum of phi(k),   out = (phi(q) kv) / (phi(q) . k_sum + eps).
// Source: Katharopoulos et al. 2020, eq. 5 and 7. Backward, with n = phi(q) . k_sum + eps and g = grad_out / n:
//   m = -(grad_out . out) / n,             per token
//   grad_kv = sum of phi(q) g^T,           grad_k_sum = sum of m phi(q),
//   grad_q = (kv g + m k_sum) phi'(q),     grad_k = (grad_kv v + grad_k_sum) phi'(k),     grad_v = grad_kv^T phi(k).
// Layout, strides and GradMode as in attention.h; float32, accumulated in float32. Deterministic: bits depend on the
// backend and its instruction set, not on threads. A NaN or Inf in k or v reaches all rows of its image and head, one
// in q its own row, and in backward all of k's and v's gradients. eps 0 is the published form: n is positive unless all
// of phi underflows. The op layer has checked shapes; kernels do not check again.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/attention/attention_strides.h"
#include "kernels/base/grad_mode.h"
#include "kernels/base/kernel_table.h"

namespace assay::kernels {

struct LinearAttentionForwardArgs {
  const float* q;  // (B, T, NH, HD), as are k, v and out
  const float* k;
  const float* v;
  float* out;
  float* kv;           // (B, NH, HD, HD)  of k's and v's channel; contiguous, saved for backward
  float* k_sum;        // (B, NH, HD)      contiguous, saved for backward
  int64_t batch;       // B >= 0
  int64_t tokens;      // T >= 0
  int64_t heads;       // NH >= 0
  int64_t head_width;  // HD, 1 to kAttentionMostHeadWidth
  AttentionStrides q_strides, k_strides, v_strides, out_strides;
  float eps = 0;  // >= 0
};
extern const KernelTable<LinearAttentionForwardArgs> linear_attention_forward;

struct LinearAttentionBackwardArgs {
  const float* q;  // (B, T, NH, HD), as are k, v, out and all gradients
  const float* k;
  const float* v;
  const float* out;    // of forward
  const float* kv;     // of forward
  const float* k_sum;  // of forward
  const float* grad_out;
  float* grad_q;     // null: not needed
  float* grad_k;     // null: not needed
  float* grad_v;     // null: not needed
  float* workspace;  // linear_attention_backward_workspace_bytes
  int64_t batch;
  int64_t tokens;
  int64_t heads;
  int64_t head_width;
  // Gradients have the strides of what they are gradients of, in memory of their own: grad_out those of out.
  AttentionStrides q_strides, k_strides, v_strides, out_strides;
  float eps = 0;
  GradMode grad_q_mode = GradMode::kOverwrite;
  GradMode grad_k_mode = GradMode::kOverwrite;
  GradMode grad_v_mode = GradMode::kOverwrite;
};
extern const KernelTable<LinearAttentionBackwardArgs> linear_attention_backward;

// For 1 / n and m of each row, and grad_kv and grad_k_sum of each head.
inline size_t linear_attention_backward_workspace_bytes(int64_t batch, int64_t tokens, int64_t heads,
                                                        int64_t head_width) {
  return static_cast<size_t>(batch * heads * (2 * tokens + head_width * head_width + head_width)) * sizeof(float);
}

}  // namespace assay::kernels
