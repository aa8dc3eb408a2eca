// SPDX-License-Identifier: Apache-2.0
// LayerNorm over the last axis (kernels/norm/layer_norm.h).
#pragma once

#include "engine/autograd/apply.h"

namespace assay::autograd {

struct LayerNorm {
  static constexpr const char* kName = "layer_norm";
  struct Attrs {
    float eps = 1e-5f;
  };
  static std::vector<Shape> infer(const Inputs& in, const Attrs& attrs);
  static void forward(ForwardContext& context, const Attrs& attrs);
  static void backward(BackwardContext& context, const Attrs& attrs);
};

// x: (..., C), gamma and beta: (C). eps > 0.
inline Var layer_norm(const Var& x, const Var& gamma, const Var& beta, float eps) {
  return apply<LayerNorm>({x, gamma, beta}, {eps});
}

}  // namespace assay::autograd
