// SPDX-License-Identifier: Apache-2.0
// Every backbone that can be asked for by name.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernels/base/status.h"
#include "models/backbones/backbone.h"

namespace assay::models {

struct BackboneListing {
  const char* name;
  const char* description;  // one line, for help texts
  Result<std::unique_ptr<Backbone>> (*make)(Device device);
};

// The default first.
const std::vector<BackboneListing>& backbone_list();

// On the device. An unknown name is an error that lists the known ones.
Result<std::unique_ptr<Backbone>> make_backbone(const std::string& name, Device device = Device::cpu());

}  // namespace assay::models
