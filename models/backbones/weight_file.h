// SPDX-License-Identifier: Apache-2.0
// The user's weights of a backbone: a PyTorch .pth or a .safetensors file, told apart by content.
#pragma once

#include <string>

#include "kernels/base/status.h"
#include "models/layers/parameter_list.h"

namespace assay::models {

// All floating tensors as float32 on the CPU, in the file's order; integers, such as counters, are left out. Errors
// name the file. Whether names and shapes are a backbone's, making it says.
Result<NamedTensors> read_weight_file(const std::string& path);

}  // namespace assay::models
