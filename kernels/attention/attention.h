// SPDX-License-Identifier: Apache-2.0
// Attention: out = softmax(q k^T / sqrt(HD)) v for each image and head, without ever storing the (T, T) matrix.
// Source: Vaswani et al. 2017, eq. 1; by tiles with a running maximum: Dao et al. 2022, algorithm 1. Backward computes
// the scores again from q, k and the saved logarithm of each row's sum, lse = log sum_j e^(s_ij), s = q k^T / sqrt(HD):
//   p_ij = e^(s_ij - lse_i),  dp_ij = grad_out_i . v_j,  ds_ij = p_ij (dp_ij - grad_out_i . out_i),
//   grad_q = ds k / sqrt(HD),  grad_k = ds^T q / sqrt(HD),  grad_v = p^T grad_out.        (Dao et al. 2022, algorithm
//   4)
// B = batch, T = tokens, NH heads of HD channels. float32, accumulated in float32. Every operand is addressed by
// strides in floats for image, token and head; the HD channels lie side by side. So q, k and v may be parts of one (B,
// T, 3, NH, HD) tensor that a Linear has made, and their gradients parts of another. Operands may be interleaved but
// must not overlap. Deterministic: bits depend on the backend and its instruction set, not on threads. A NaN in q makes
// its row of out NaN, one in k or v all rows of its image and head (in v: of its channel). The op layer has checked
// shapes; kernels do not check again.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/attention/attention_strides.h"
#include "kernels/base/grad_mode.h"
#include "kernels/base/kernel_table.h"

namespace assay::kernels {

struct AttentionForwardArgs {
  const float* q;  // (B, T, NH, HD), as are k, v and out
  const float* k;
  const float* v;
  float* out;
  float* lse;          // (B, NH, T) contiguous, saved for backward; null: not saved
  int64_t batch;       // B >= 0
  int64_t tokens;      // T >= 0
  int64_t heads;       // NH >= 0
  int64_t head_width;  // HD, 1 to kAttentionMostHeadWidth
  AttentionStrides q_strides, k_strides, v_strides, out_strides;
};
extern const KernelTable<AttentionForwardArgs> attention_forward;

struct AttentionBackwardArgs {
  const float* q;  // (B, T, NH, HD), as are k, v, out and all gradients
  const float* k;
  const float* v;
  const float* out;  // of forward
  const float* lse;  // (B, NH, T), of forward
  const float* grad_out;
  float* grad_q;     // null: not needed
  float* grad_k;     // null: not needed
  float* grad_v;     // null: not needed
  float* workspace;  // attention_backward_workspace_bytes
  int64_t batch;
  int64_t tokens;
  int64_t heads;
  int64_t head_width;
  // Gradients have the strides of what they are gradients of, in memory of their own: grad_out those of out.
  AttentionStrides q_strides, k_strides, v_strides, out_strides;
  GradMode grad_q_mode = GradMode::kOverwrite;
  GradMode grad_k_mode = GradMode::kOverwrite;
  GradMode grad_v_mode = GradMode::kOverwrite;
};
extern const KernelTable<AttentionBackwardArgs> attention_backward;

// For grad_out . out of each row.
inline size_t attention_backward_workspace_bytes(int64_t batch, int64_t tokens, int64_t heads) {
  return static_cast<size_t>(batch * tokens * heads) * sizeof(float);
}

}  // namespace assay::kernels
