// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run/run_state.h"

namespace assay::pipeline {

nlohmann::ordered_json skipped_as_json(const std::vector<SkippedFile>& skipped) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const SkippedFile& s : skipped) list.push_back({{"path", s.id}, {"reason", s.reason}});
  return list;
}

std::string printable(const nlohmann::ordered_json& json) {
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace assay::pipeline
