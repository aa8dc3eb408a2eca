// SPDX-License-Identifier: Apache-2.0
// Sums and products of two tensors. The second one has the first one's shape, or the shape of its last axes and is then
// repeated over the leading ones: a bias, a LayerScale. Its gradient is summed over them.
#pragma once

#include "engine/autograd/apply.h"

namespace assay::autograd {

// a + alpha * b.
struct Add {
  static constexpr const char* kName = "add";
  struct Attrs {
    float alpha = 1;
  };
  static std::vector<Shape> infer(const Inputs& in, const Attrs& attrs);
  static void forward(ForwardContext& context, const Attrs& attrs);
  static void backward(BackwardContext& context, const Attrs& attrs);
};

struct Multiply {
  static constexpr const char* kName = "multiply";
  struct Attrs {};
  static std::vector<Shape> infer(const Inputs& in, const Attrs& attrs);
  static void forward(ForwardContext& context, const Attrs& attrs);
  static void backward(BackwardContext& context, const Attrs& attrs);
};

struct Scale {
  static constexpr const char* kName = "scale";
  struct Attrs {
    float factor;
  };
  static std::vector<Shape> infer(const Inputs& in, const Attrs& attrs);
  static void forward(ForwardContext& context, const Attrs& attrs);
  static void backward(BackwardContext& context, const Attrs& attrs);
};

inline Var add(const Var& a, const Var& b) { return apply<Add>({a, b}, {1}); }
inline Var subtract(const Var& a, const Var& b) { return apply<Add>({a, b}, {-1}); }
inline Var multiply(const Var& a, const Var& b) { return apply<Multiply>({a, b}, {}); }
inline Var scale(const Var& x, float factor) { return apply<Scale>({x}, {factor}); }

}  // namespace assay::autograd
