// SPDX-License-Identifier: Apache-2.0
// One number from all elements (kernels/reduce/total.h): what losses end with.
#pragma once

#include "engine/autograd/apply.h"

namespace assay::autograd {

struct Reduce {
  static constexpr const char* kName = "reduce";
  struct Attrs {
    bool is_mean;
  };
  static std::vector<Shape> infer(const Inputs& in, const Attrs& attrs);
  static void forward(ForwardContext& context, const Attrs& attrs);
  static void backward(BackwardContext& context, const Attrs& attrs);
};

// Result: (1).
inline Var sum(const Var& x) { return apply<Reduce>({x}, {/*is_mean=*/false}); }
inline Var mean(const Var& x) { return apply<Reduce>({x}, {/*is_mean=*/true}); }

}  // namespace assay::autograd
