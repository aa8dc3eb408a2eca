// SPDX-License-Identifier: Apache-2.0
// Reading members of untrusted JSON objects.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "kernels/base/status.h"

namespace assay::pipeline {

// Each reads description[name] into *value, or says what is there instead. `what` names the object in errors.
Status read_field(const nlohmann::json& description, const char* what, const char* name, std::string* value);
Status read_field(const nlohmann::json& description, const char* what, const char* name, bool* value);
Status read_field(const nlohmann::json& description, const char* what, const char* name,
                  std::vector<std::string>* value);
// Within [least, most]; not a number is refused.
Status read_field(const nlohmann::json& description, const char* what, const char* name, double least, double most,
                  double* value);
Status read_field(const nlohmann::json& description, const char* what, const char* name, int64_t least, int64_t most,
                  int64_t* value);

}  // namespace assay::pipeline
