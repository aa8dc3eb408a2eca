// SPDX-License-Identifier: Apache-2.0
// The tokens of each image but the first ones: what is left of a transformer's sequence when its class token and
// registers are dropped. Their gradient is zero.
#pragma once

#include "engine/autograd/apply.h"

namespace assay::autograd {

struct SkipTokens {
  static constexpr const char* kName = "skip_tokens";
  struct Attrs {
    int64_t count;
  };
  static std::vector<Shape> infer(const Inputs& in, const Attrs& attrs);
  static void forward(ForwardContext& context, const Attrs& attrs);
  static void backward(BackwardContext& context, const Attrs& attrs);
};

// x: (B, T, C), 0 <= count <= T. Result (B, T - count, C); x itself where count is 0.
inline Var skip_tokens(const Var& x, int64_t count) { return count == 0 ? x : apply<SkipTokens>({x}, {count}); }

}  // namespace assay::autograd
