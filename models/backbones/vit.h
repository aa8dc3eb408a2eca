// SPDX-License-Identifier: Apache-2.0
// Vision transformers as DINOv2 trains them, with register tokens (Oquab et al. 2024; Darcet et al. 2024): patches of
// 14 px, a class token and four registers before them, LayerScale, position embeddings trained at 518 px and
// interpolated bicubically to the grid of the image, scaled by (cells + 0.1) / 37 a side.
//
// Levels: `layer0` and on, what each block gives, and `norm`, what the final norm makes of the last, where the weights
// have it. Sides of images are multiples of the patch.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/device/device.h"
#include "kernels/base/status.h"
#include "models/backbones/backbone.h"
#include "models/layers/parameter_list.h"

namespace assay::models {

struct VitShape {
  int64_t width;  // C
  int64_t depth;  // blocks
  int64_t heads;
  int64_t patch = 14;         // pixels
  int64_t trained_grid = 37;  // cells a side where position embeddings were trained
  int64_t registers = 4;
};
constexpr VitShape kDinov2S14 = {384, 12, 6};
constexpr VitShape kDinov2B14 = {768, 12, 12};
constexpr VitShape kDinov2L14 = {1024, 24, 16};

class VitBackbone : public Backbone {
 public:
  // As forward, but all tokens of each level: (B, prefix + h * w, C) float32.
  virtual std::vector<Tensor> forward_tokens(const Tensor& images, const std::vector<std::string>& levels,
                                             BackboneWorkspace& workspace) const = 0;
};

// weights: by PyTorch's names, float32, on the CPU; `mask_token` may be there and is not used, `norm.weight` and
// `norm.bias` may be missing. What else differs is an error that lists it.
Result<std::unique_ptr<VitBackbone>> make_vit(const std::string& name, const VitShape& shape,
                                              const NamedTensors& weights, Device device = Device::cpu());

}  // namespace assay::models
