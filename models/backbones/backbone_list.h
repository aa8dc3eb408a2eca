// SPDX-License-Identifier: Apache-2.0
// Every backbone that can be asked for by name.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernels/base/status.h"
#include "models/backbones/backbone.h"
#include "models/layers/parameter_list.h"

namespace assay::models {

struct BackboneListing {
  const char* name;
  const char* description;  // one line, for help texts
  bool has_built_in_weights;
  // weights: the user's, by PyTorch's names; not looked at where they are built in.
  Result<std::unique_ptr<Backbone>> (*make)(const NamedTensors& weights, Device device);
};

// The default first.
const std::vector<BackboneListing>& backbone_list();

// On the device. An unknown name is an error that lists the known ones; so are weights for a backbone that has them
// built in, and none for one that has not.
Result<std::unique_ptr<Backbone>> make_backbone(const std::string& name, Device device = Device::cpu(),
                                                const NamedTensors& weights = {});

}  // namespace assay::models
