// SPDX-License-Identifier: Apache-2.0
// Batch norm in training (kernels/norm/batch_norm.h): over all leading axes, by the statistics of x itself.
#pragma once

#include "engine/autograd/apply.h"

namespace assay::autograd {

struct BatchNorm {
  static constexpr const char* kName = "batch_norm";
  struct Attrs {
    float eps = 1e-5f;
    float momentum = 0.1f;
    // (C) each, moved by forward as PyTorch moves them; not defined: none are kept. No values of the tape: they are for
    // scoring later. A pass that is repeated for checkpoint() would move them twice.
    Tensor running_mean = {};
    Tensor running_variance = {};
  };
  static std::vector<Shape> infer(const Inputs& in, const Attrs& attrs);
  static void forward(ForwardContext& context, const Attrs& attrs);
  static void backward(BackwardContext& context, const Attrs& attrs);
};

// x: (..., C) of at least two rows, gamma and beta: (C). eps > 0, 0 <= momentum <= 1.
inline Var batch_norm(const Var& x, const Var& gamma, const Var& beta, const BatchNorm::Attrs& attrs) {
  return apply<BatchNorm>({x, gamma, beta}, attrs);
}

}  // namespace assay::autograd
