// SPDX-License-Identifier: Apache-2.0
// The parameters of a detector's network in a model file. Names of tensors there are "DETECTOR.NAME".
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/tensor/tensor.h"
#include "kernels/base/status.h"
#include "models/layers/parameter_list.h"

namespace assay::models {

// On the CPU.
void save_parameters(const char* detector, const ParameterList& parameters, std::map<std::string, Tensor>* tensors);
// Untrusted input: names, shapes and dtypes are those of the list, all numbers finite. On an error the list is of no
// use.
Status load_parameters(const char* detector, const std::map<std::string, Tensor>& tensors, Device device,
                       ParameterList* parameters);

// A size of the network, 1 to `largest`.
Result<int64_t> read_size(const char* detector, const nlohmann::json& description, const char* key, int64_t largest);

}  // namespace assay::models
