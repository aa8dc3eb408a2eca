// SPDX-License-Identifier: Apache-2.0
#include "models/backbones/backbone_list.h"

#include "models/backbones/efficientnet_lite0.h"

namespace assay::models {

const std::vector<BackboneListing>& backbone_list() {
  static const std::vector<BackboneListing> list = {
      {"efficientnet_lite0", "EfficientNet-Lite0, ImageNet, weights built in", make_efficientnet_lite0},
  };
  return list;
}

Result<std::unique_ptr<Backbone>> make_backbone(const std::string& name, Device device) {
  std::string known;
  for (const BackboneListing& listing : backbone_list()) {
    if (name == listing.name) return listing.make(device);
    known += (known.empty() ? "" : ", ") + std::string(listing.name);
  }
  return Status::error("backbone ", name, ": unknown, expected one of: ", known);
}

}  // namespace assay::models
