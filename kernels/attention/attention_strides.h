// SPDX-License-Identifier: Apache-2.0
// How an operand of attention lies in memory: the HD channels of a head side by side, all else by strides.
#pragma once

#include <cstdint>

namespace assay::kernels {

constexpr int64_t kAttentionMostHeadWidth = 128;

struct AttentionStrides {
  int64_t image;
  int64_t token;
  int64_t head;
};
// Of a contiguous (B, T, NH, HD) tensor, and of one part of a (B, T, 3, NH, HD) tensor.
inline AttentionStrides attention_strides(int64_t tokens, int64_t heads, int64_t head_width) {
  return {tokens * heads * head_width, heads * head_width, head_width};
}
inline AttentionStrides attention_qkv_strides(int64_t tokens, int64_t heads, int64_t head_width) {
  return {tokens * 3 * heads * head_width, 3 * heads * head_width, head_width};
}

}  // namespace assay::kernels
