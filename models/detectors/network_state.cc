// SPDX-License-Identifier: Apache-2.0
#include "models/detectors/network_state.h"

#include <algorithm>
#include <cmath>

namespace assay::models {
namespace {

Status check_finite(const char* detector, const NamedTensors& tensors) {
  for (const auto& [name, tensor] : tensors) {
    const float* v = tensor.data<float>();
    if (!std::all_of(v, v + tensor.size(), [](float x) { return std::isfinite(x); })) {
      return Status::error(detector, ": ", name, " holds a number that is not finite");
    }
  }
  return Status();
}

}  // namespace

void save_parameters(const char* detector, const ParameterList& parameters, std::map<std::string, Tensor>* tensors) {
  for (const auto& [name, value] : parameters.values()) {
    (*tensors)[text(detector, ".", name)] = value.to(Device::cpu(), detector);
  }
}

Status load_parameters(const char* detector, const std::map<std::string, Tensor>& tensors, Device device,
                       ParameterList* parameters) {
  const std::string prefix = text(detector, ".");
  NamedTensors mine;
  for (const auto& [name, tensor] : tensors) {
    if (name.rfind(prefix, 0) == 0) mine.push_back({name.substr(prefix.size()), tensor});
  }
  const Status loaded = parameters->load(mine, device);
  if (!loaded.ok()) return Status::error(detector, ": ", loaded.message());
  return check_finite(detector, mine);
}

Result<int64_t> read_size(const char* detector, const nlohmann::json& description, const char* key, int64_t largest) {
  const auto found = description.is_object() ? description.find(key) : description.end();
  if (found == description.end() || !found->is_number_integer()) {
    return Status::error(detector, ": ", key, " is missing from the description");
  }
  const bool is_huge = found->is_number_unsigned() && found->get<uint64_t>() > static_cast<uint64_t>(INT64_MAX);
  const int64_t value = is_huge ? 0 : found->get<int64_t>();
  if (value >= 1 && value <= largest) return value;
  return Status::error(detector, ": ", key, " is ", found->dump(), ", expected 1 to ", largest);
}

}  // namespace assay::models
