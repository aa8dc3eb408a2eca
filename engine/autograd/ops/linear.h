// SPDX-License-Identifier: Apache-2.0
// y = x W^T + b over the last axis: a fully connected layer. grad_x = grad_y W, grad_W = grad_y^T x, grad_b = the sum
// of grad_y over all rows.
#pragma once

#include "engine/autograd/apply.h"

namespace assay::autograd {

struct Linear {
  static constexpr const char* kName = "linear";
  struct Attrs {};
  static std::vector<Shape> infer(const Inputs& in, const Attrs& attrs);
  static void forward(ForwardContext& context, const Attrs& attrs);
  static void backward(BackwardContext& context, const Attrs& attrs);
};

// x: (..., C_in). weight: (C_out, C_in). bias: (C_out), or not defined. Result (..., C_out).
inline Var linear(const Var& x, const Var& weight, const Var& bias = {}) {
  return apply<Linear>({x, weight, bias}, {});
}

}  // namespace assay::autograd
