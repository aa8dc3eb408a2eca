// SPDX-License-Identifier: Apache-2.0
// The same elements in another shape, sharing memory both ways.
#pragma once

#include "engine/autograd/apply.h"

namespace assay::autograd {

struct Reshape {
  static constexpr const char* kName = "reshape";
  struct Attrs {
    Shape shape;
  };
  static std::vector<Shape> infer(const Inputs& in, const Attrs& attrs);
  static void forward(ForwardContext& context, const Attrs& attrs);
  static void backward(BackwardContext& context, const Attrs& attrs);
};

inline Var reshape(const Var& x, const Shape& shape) { return apply<Reshape>({x}, {shape}); }

}  // namespace assay::autograd
