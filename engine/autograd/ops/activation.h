// SPDX-License-Identifier: Apache-2.0
// Activations, element by element (kernels/activation/activation.h).
#pragma once

#include "engine/autograd/apply.h"
#include "kernels/activation/activation.h"

namespace assay::autograd {

struct Activation {
  static constexpr const char* kName = "activation";
  struct Attrs {
    kernels::Activation activation;
  };
  static std::vector<Shape> infer(const Inputs& in, const Attrs& attrs);
  static void forward(ForwardContext& context, const Attrs& attrs);
  static void backward(BackwardContext& context, const Attrs& attrs);
};

inline Var gelu(const Var& x) { return apply<Activation>({x}, {kernels::Activation::kGelu}); }
inline Var relu(const Var& x) { return apply<Activation>({x}, {kernels::Activation::kRelu}); }
inline Var relu6(const Var& x) { return apply<Activation>({x}, {kernels::Activation::kRelu6}); }
inline Var elu_plus_one(const Var& x) { return apply<Activation>({x}, {kernels::Activation::kEluPlusOne}); }

}  // namespace assay::autograd
