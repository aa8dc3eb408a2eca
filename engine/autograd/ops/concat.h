// SPDX-License-Identifier: Apache-2.0
// Tensors side by side along their last axis.
#pragma once

#include "engine/autograd/apply.h"

namespace assay::autograd {

struct Concat {
  static constexpr const char* kName = "concat";
  struct Attrs {};
  static std::vector<Shape> infer(const Inputs& in, const Attrs& attrs);
  static void forward(ForwardContext& context, const Attrs& attrs);
  static void backward(BackwardContext& context, const Attrs& attrs);
};

// At least one; shapes (..., C_i), alike but for C_i. Result (..., sum of C_i).
inline Var concat(const std::vector<Var>& parts) { return apply<Concat>(parts, {}); }

}  // namespace assay::autograd
