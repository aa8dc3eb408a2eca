// SPDX-License-Identifier: Apache-2.0
// Softmax attention of each image and head, softmax(q k^T / sqrt(HD)) v, from the q, k and v that one linear layer has
// made side by side (kernels/attention/attention.h).
#pragma once

#include "engine/autograd/apply.h"

namespace assay::autograd {

struct Attention {
  static constexpr const char* kName = "attention";
  struct Attrs {
    int64_t heads;
  };
  static std::vector<Shape> infer(const Inputs& in, const Attrs& attrs);
  static void forward(ForwardContext& context, const Attrs& attrs);
  static void backward(BackwardContext& context, const Attrs& attrs);
};

// qkv: (B, T, 3 C), a token's q, k and v one after the other, each of `heads` heads of HD = C / heads channels, HD 1 to
// 128. Result (B, T, C).
inline Var attention(const Var& qkv, int64_t heads) { return apply<Attention>({qkv}, {heads}); }

}  // namespace assay::autograd
