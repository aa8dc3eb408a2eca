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
  Result<std::unique_ptr<Backbone>> (*make)();
};

// The default first.
const std::vector<BackboneListing>& backbone_list();

// An unknown name is an error that lists the known ones.
Result<std::unique_ptr<Backbone>> make_backbone(const std::string& name);

}  // namespace assay::models
