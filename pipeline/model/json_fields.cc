// SPDX-License-Identifier: Apache-2.0
#include "pipeline/model/json_fields.h"

namespace assay::pipeline {
namespace {

const nlohmann::json* find(const nlohmann::json& description, const char* name) {
  if (!description.is_object()) return nullptr;
  const auto found = description.find(name);
  return found == description.end() ? nullptr : &*found;
}

Status wrong(const char* what, const char* name, const nlohmann::json* found, const std::string& expected) {
  const auto replace = nlohmann::json::error_handler_t::replace;
  const std::string text = found == nullptr ? "is missing" : "is " + found->dump(-1, ' ', false, replace).substr(0, 60);
  return Status::error(what, ": ", name, " ", text, ", expected ", expected);
}

}  // namespace

Status read_field(const nlohmann::json& description, const char* what, const char* name, std::string* value) {
  const nlohmann::json* found = find(description, name);
  if (found == nullptr || !found->is_string()) return wrong(what, name, found, "a text");
  *value = found->get<std::string>();
  return Status();
}

Status read_field(const nlohmann::json& description, const char* what, const char* name, bool* value) {
  const nlohmann::json* found = find(description, name);
  if (found == nullptr || !found->is_boolean()) return wrong(what, name, found, "true or false");
  *value = found->get<bool>();
  return Status();
}

Status read_field(const nlohmann::json& description, const char* what, const char* name,
                  std::vector<std::string>* value) {
  const nlohmann::json* found = find(description, name);
  if (found == nullptr || !found->is_array()) return wrong(what, name, found, "a list of texts");
  value->clear();
  for (const nlohmann::json& member : *found) {
    if (!member.is_string()) return wrong(what, name, found, "a list of texts");
    value->push_back(member.get<std::string>());
  }
  return Status();
}

Status read_field(const nlohmann::json& description, const char* what, const char* name, double least, double most,
                  double* value) {
  const nlohmann::json* found = find(description, name);
  if (found == nullptr || !found->is_number() || !(found->get<double>() >= least && found->get<double>() <= most)) {
    return wrong(what, name, found, text("a number from ", least, " to ", most));
  }
  *value = found->get<double>();
  return Status();
}

Status read_field(const nlohmann::json& description, const char* what, const char* name, int64_t least, int64_t most,
                  int64_t* value) {
  const nlohmann::json* found = find(description, name);
  if (found == nullptr || !found->is_number_integer() ||
      !(found->get<int64_t>() >= least && found->get<int64_t>() <= most)) {
    return wrong(what, name, found, text("an integer from ", least, " to ", most));
  }
  *value = found->get<int64_t>();
  return Status();
}

}  // namespace assay::pipeline
