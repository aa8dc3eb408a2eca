// SPDX-License-Identifier: Apache-2.0
#include "models/backbones/backbone.h"

#include "kernels/base/check.h"
#include "kernels/base/text.h"

namespace assay::models {

size_t Backbone::level_index(const std::string& level) const {
  std::string known;
  for (size_t i = 0; i < levels().size(); ++i) {
    if (levels()[i].name == level) return i;
    known += (i ? ", " : "") + levels()[i].name;
  }
  throw Error(text("backbone ", name(), " has no level ", level, "; its levels are ", known));
}

}  // namespace assay::models
