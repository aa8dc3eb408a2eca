// SPDX-License-Identifier: Apache-2.0
// The result of a run in words, on stdout.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "pipeline/run/run.h"

namespace assay::tools {

void print_result(const nlohmann::ordered_json& result, const std::string& out, pipeline::RunExtent extent);

}  // namespace assay::tools
