// SPDX-License-Identifier: Apache-2.0
#include "models/detectors/ensemble.h"

#include <cmath>
#include <utility>

#include "engine/autograd/ops/elementwise.h"

namespace assay::models {
namespace {

using autograd::Tape;
using autograd::Var;

std::string prefix_of(size_t member) { return "member." + std::to_string(member) + "."; }

bool is_weight(double weight) { return std::isfinite(weight) && weight > 0; }

}  // namespace

Ensemble::Ensemble(std::vector<Member> members) : members_(std::move(members)) {
  ASSAY_CHECK(!members_.empty() && members_.size() <= kMaxMembers, "ensemble: ", members_.size(),
              " members, expected 1 to ", kMaxMembers);
  device_ = members_[0].detector->device();
  for (const Member& m : members_) {
    ASSAY_CHECK(m.detector->device() == device_, "ensemble: members on ", to_string(device_), " and ",
                to_string(m.detector->device()));
    ASSAY_CHECK(is_weight(m.weight), "ensemble: a weight of ", m.weight, ", expected a number above 0");
  }
}

Ensemble::Ensemble(std::function<std::unique_ptr<Detector>()> make_member, Device device)
    : make_member_(std::move(make_member)), device_(device) {}

void Ensemble::fit(const FeatureSource&, const std::vector<int64_t>&, const FitOptions&) {
  throw Error("ensemble: its members are fitted, not itself");
}

Tensor Ensemble::score(const FeatureGrid& grid) const {
  ASSAY_CHECK(!members_.empty(), "ensemble: score before load");
  FeatureGrid here = grid;
  here.rows = grid.rows.to(device_, "ensemble");  // once for all members
  Tape tape;
  Var sum;
  for (const Member& m : members_) {
    const float share = static_cast<float>(m.weight / static_cast<double>(members_.size()));
    const Var term = autograd::scale(tape.constant(m.detector->score(here)), share);
    sum = sum.is_defined() ? autograd::add(sum, term) : term;
  }
  return sum.value();
}

nlohmann::json Ensemble::save(std::map<std::string, Tensor>* tensors) const {
  ASSAY_CHECK(!members_.empty(), "ensemble: save before load");
  nlohmann::json states = nlohmann::json::array(), weights = nlohmann::json::array();
  for (size_t m = 0; m < members_.size(); ++m) {
    std::map<std::string, Tensor> own;
    states.push_back(members_[m].detector->save(&own));
    weights.push_back(members_[m].weight);
    for (const auto& [name, tensor] : own) (*tensors)[prefix_of(m) + name] = tensor;
  }
  return {{"members", states}, {"weights", weights}};
}

Status Ensemble::load(const nlohmann::json& description, const std::map<std::string, Tensor>& tensors) {
  ASSAY_CHECK(make_member_ != nullptr, "ensemble: one that was made of members is not loaded");
  const auto list = [&](const char* name) {
    return description.is_object() && description.contains(name) && description[name].is_array()
               ? description[name]
               : nlohmann::json::array();
  };
  const nlohmann::json states = list("members"), weights = list("weights");
  if (states.empty() || states.size() > kMaxMembers || weights.size() != states.size()) {
    return Status::error("ensemble: ", states.size(), " members and ", weights.size(),
                         " weights, expected as many of either, 1 to ", kMaxMembers);
  }
  std::vector<Member> members;
  for (size_t m = 0; m < states.size(); ++m) {
    if (!weights[m].is_number() || !is_weight(weights[m].get<double>())) {
      return Status::error("ensemble: weights[", m, "] is ", weights[m].dump(), ", expected a number above 0");
    }
    std::map<std::string, Tensor> own;
    const std::string prefix = prefix_of(m);
    for (const auto& [name, tensor] : tensors) {
      if (name.compare(0, prefix.size(), prefix) == 0) own[name.substr(prefix.size())] = tensor;
    }
    std::unique_ptr<Detector> member = make_member_();
    const Status loaded = member->load(states[m], own);
    if (!loaded.ok()) return Status::error("ensemble, member ", m, ": ", loaded.message());
    members.push_back({std::move(member), weights[m].get<double>()});
  }
  members_ = std::move(members);
  return Status();
}

}  // namespace assay::models
