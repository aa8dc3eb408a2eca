// SPDX-License-Identifier: Apache-2.0
// Several fitted detectors of one kind as one: a cell's value is the weighted mean of theirs.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "models/detectors/detector.h"

namespace assay::models {

class Ensemble : public Detector {
 public:
  static constexpr int64_t kMaxMembers = 64;

  struct Member {
    std::shared_ptr<const Detector> detector;
    double weight = 1;  // above 0: brings the member's values to the scale of the others'
  };
  // At least one member and at most kMaxMembers, all on one device (assay::Error).
  explicit Ensemble(std::vector<Member> members);
  // Without members, to be loaded: make_member makes one to load into, on `device`.
  Ensemble(std::function<std::unique_ptr<Detector>()> make_member, Device device);

  Device device() const override { return device_; }
  const std::vector<Member>& members() const { return members_; }

  // Members are fitted, not ensembles: assay::Error.
  void fit(const FeatureSource& features, const std::vector<int64_t>& images, const FitOptions& options) override;
  // The sum of weight times value over the members, divided by their number.
  Tensor score(const FeatureGrid& grid) const override;
  nlohmann::json save(std::map<std::string, Tensor>* tensors) const override;
  Status load(const nlohmann::json& description, const std::map<std::string, Tensor>& tensors) override;

 private:
  std::function<std::unique_ptr<Detector>()> make_member_;
  Device device_;
  std::vector<Member> members_;
};

}  // namespace assay::models
