// SPDX-License-Identifier: Apache-2.0
// How attention's operations see (B, T, 3 C): a token's q, k and v one after the other, each of `heads` heads.
#pragma once

#include "engine/autograd/ops/op_run.h"
#include "kernels/attention/attention_strides.h"

namespace assay::autograd {

struct QkvHeads {
  int64_t batch, tokens, heads, width;  // width: HD
  int64_t channels() const { return heads * width; }
  kernels::AttentionStrides inside_qkv() const { return kernels::attention_qkv_strides(tokens, heads, width); }
  kernels::AttentionStrides alone() const { return kernels::attention_strides(tokens, heads, width); }
};

inline QkvHeads qkv_heads(const Tensor& qkv, int64_t heads) {
  return {qkv.dim(0), qkv.dim(1), heads, qkv.dim(2) / (3 * heads)};
}

// The checks of an operation `op` on qkv; returns the shape of its result, (B, T, C).
inline Shape check_qkv(const char* op, const Tensor& qkv, int64_t heads) {
  check_float32(op, "qkv", qkv);
  ASSAY_CHECK(heads >= 1 && qkv.rank() == 3 && qkv.dim(2) >= 1 && qkv.dim(2) % (3 * heads) == 0, op, ": qkv has shape ",
              to_string(qkv.shape()), ", expected (B, T, 3 C) with C a multiple of ", heads, " heads");
  const int64_t width = qkv_heads(qkv, heads).width;
  ASSAY_CHECK(width <= kernels::kAttentionMostHeadWidth, op, ": heads of ", width, " channels, at most ",
              kernels::kAttentionMostHeadWidth, " are supported");
  return {qkv.dim(0), qkv.dim(1), qkv.dim(2) / 3};
}

}  // namespace assay::autograd
