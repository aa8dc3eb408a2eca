// SPDX-License-Identifier: Apache-2.0
// Inverted dropout; the mask is a function of (seed, stream, element) (kernels/dropout/dropout.h), so a second forward
// pass draws it again.
#pragma once

#include "engine/autograd/apply.h"

namespace assay::autograd {

struct Dropout {
  static constexpr const char* kName = "dropout";
  struct Attrs {
    float probability;
    uint64_t seed;
    uint64_t stream;
  };
  static std::vector<Shape> infer(const Inputs& in, const Attrs& attrs);
  static void forward(ForwardContext& context, const Attrs& attrs);
  static void backward(BackwardContext& context, const Attrs& attrs);
};

// 0 <= probability < 1. Every use in every step gets a stream of its own.
inline Var dropout(const Var& x, float probability, uint64_t seed, uint64_t stream) {
  return apply<Dropout>({x}, {probability, seed, stream});
}

}  // namespace assay::autograd
