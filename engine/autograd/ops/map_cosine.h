// SPDX-License-Identifier: Apache-2.0
// Dinomaly's reconstruction loss (Guo et al. 2025, section 3.3): the mean over images of the cosine distance between
// whole feature maps, flattened. In backward the gradient of the reconstruction is scaled at each point whose own
// cosine distance is below the quantile of the batch's points, so that training does not perfect what is easy (hard
// mining: kernels/loss/hard_mining.h). With factor 1 it is the plain loss.
#pragma once

#include "engine/autograd/apply.h"

namespace assay::autograd {

struct MapCosine {
  static constexpr const char* kName = "map_cosine";
  struct Attrs {
    double quantile = 0;  // share of points that count as easy, 0 to 1
    float factor = 1;     // of an easy point's gradient
  };
  static std::vector<Shape> infer(const Inputs& in, const Attrs& attrs);
  static void forward(ForwardContext& context, const Attrs& attrs);
  static void backward(BackwardContext& context, const Attrs& attrs);
};

// target and reconstruction: (B, P, C), B, P, C >= 1. Result: (1). Mining scales the reconstruction's gradient alone.
inline Var map_cosine(const Var& target, const Var& reconstruction, double quantile = 0, float factor = 1) {
  return apply<MapCosine>({target, reconstruction}, {quantile, factor});
}

}  // namespace assay::autograd
