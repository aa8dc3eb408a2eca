// SPDX-License-Identifier: Apache-2.0
#include "models/weights/embedded_weights.h"

#include <cstddef>

extern "C" {
extern const char assay_efficientnet_lite0_begin[];
extern const char assay_efficientnet_lite0_end[];
}

namespace assay::models {

std::string_view embedded_efficientnet_lite0() {
  return {assay_efficientnet_lite0_begin,
          static_cast<size_t>(assay_efficientnet_lite0_end - assay_efficientnet_lite0_begin)};
}

}  // namespace assay::models
