// SPDX-License-Identifier: Apache-2.0
// Softmax over the last axis (kernels/softmax/softmax.h).
#pragma once

#include "engine/autograd/apply.h"

namespace assay::autograd {

struct Softmax {
  static constexpr const char* kName = "softmax";
  struct Attrs {};
  static std::vector<Shape> infer(const Inputs& in, const Attrs& attrs);
  static void forward(ForwardContext& context, const Attrs& attrs);
  static void backward(BackwardContext& context, const Attrs& attrs);
};

// x: (..., C), C >= 1.
inline Var softmax(const Var& x) { return apply<Softmax>({x}, {}); }

}  // namespace assay::autograd
