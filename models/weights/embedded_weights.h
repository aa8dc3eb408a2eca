// SPDX-License-Identifier: Apache-2.0
// Weights that are part of the binary. README.md says where they come from.
#pragma once

#include <string_view>

namespace assay::models {

// The bytes of efficientnet_lite0.safetensors.
std::string_view embedded_efficientnet_lite0();

}  // namespace assay::models
