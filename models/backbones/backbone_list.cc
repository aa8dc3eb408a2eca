// SPDX-License-Identifier: Apache-2.0
#include "models/backbones/backbone_list.h"

#include <utility>

#include "models/backbones/efficientnet_lite0.h"
#include "models/backbones/resnet.h"
#include "models/backbones/vit.h"

namespace assay::models {
namespace {

using Made = Result<std::unique_ptr<Backbone>>;

Made vit(const char* name, const VitShape& shape, const NamedTensors& weights, Device device) {
  Result<std::unique_ptr<VitBackbone>> made = make_vit(name, shape, weights, device);
  if (!made.ok()) return made.status();
  return std::unique_ptr<Backbone>(std::move(made).value());
}

}  // namespace

const std::vector<BackboneListing>& backbone_list() {
  static const std::vector<BackboneListing> list = {
      {"efficientnet_lite0", "EfficientNet-Lite0, ImageNet, weights built in", true,
       [](const NamedTensors&, Device d) -> Made { return make_efficientnet_lite0(d); }},
      {"resnet18", "ResNet-18, torchvision's weights", false,
       [](const NamedTensors& w, Device d) -> Made { return make_resnet("resnet18", kResnet18, w, d); }},
      {"resnet50", "ResNet-50, torchvision's weights", false,
       [](const NamedTensors& w, Device d) -> Made { return make_resnet("resnet50", kResnet50, w, d); }},
      {"wide_resnet50_2", "Wide ResNet-50-2, torchvision's weights", false,
       [](const NamedTensors& w, Device d) -> Made { return make_resnet("wide_resnet50_2", kWideResnet50, w, d); }},
      {"dinov2_reg_vit_s14", "ViT-S/14 with registers, DINOv2's weights", false,
       [](const NamedTensors& w, Device d) -> Made { return vit("dinov2_reg_vit_s14", kDinov2S14, w, d); }},
      {"dinov2_reg_vit_b14", "ViT-B/14 with registers, DINOv2's weights", false,
       [](const NamedTensors& w, Device d) -> Made { return vit("dinov2_reg_vit_b14", kDinov2B14, w, d); }},
      {"dinov2_reg_vit_l14", "ViT-L/14 with registers, DINOv2's weights", false,
       [](const NamedTensors& w, Device d) -> Made { return vit("dinov2_reg_vit_l14", kDinov2L14, w, d); }},
  };
  return list;
}

Result<std::unique_ptr<Backbone>> make_backbone(const std::string& name, Device device, const NamedTensors& weights) {
  std::string known;
  for (const BackboneListing& listing : backbone_list()) {
    if (name == listing.name) {
      if (listing.has_built_in_weights && !weights.empty()) {
        return Status::error("backbone ", name, ": has its weights built in, but was given others");
      }
      if (!listing.has_built_in_weights && weights.empty()) {
        return Status::error("backbone ", name, ": needs a file of weights");
      }
      return listing.make(weights, device);
    }
    known += (known.empty() ? "" : ", ") + std::string(listing.name);
  }
  return Status::error("backbone ", name, ": unknown, expected one of: ", known);
}

}  // namespace assay::models
