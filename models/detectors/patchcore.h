// SPDX-License-Identifier: Apache-2.0
// A memory bank of patch features; a patch's anomaly value is its squared distance to the nearest of them.
// Source: Roth, Pemula, Zepeda, Schölkopf, Brox, Gehler 2022, "Towards Total Recall in Industrial Anomaly Detection".
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "models/detectors/detector.h"
#include "models/detectors/memory_bank_detector.h"
#include "models/memory_bank/memory_bank.h"

namespace assay::models {

struct PatchcoreOptions {
  enum class Selector {
    kRandom,    // a random share of each image's patches: contamination stays the share that it is
    kFarthest,  // the same share of each image's patches, by greedy k-center within the image
    kGreedy,    // greedy k-center over all patches (the paper's): fewer references cover more, but outliers are taken
                // first, so only for images known to be clean
  };
  Selector selector = Selector::kRandom;
  double coreset_ratio = 0.1;  // of all patches, greedy only
  BankSpaceOptions space;      // reference_share is the first two selectors'
};

const char* selector_name(PatchcoreOptions::Selector selector);
Result<PatchcoreOptions::Selector> selector_from_name(const std::string& name);

class Patchcore : public Detector, public MemoryBankDetector {
 public:
  explicit Patchcore(PatchcoreOptions options, Device device = Device::cpu()) : options_(options), device_(device) {}

  Device device() const override { return device_; }

  // An earlier fit survives a failed one.
  void fit(const FeatureSource& features, const std::vector<int64_t>& images, const FitOptions& options) override;
  Tensor score(const FeatureGrid& grid) const override;
  nlohmann::json save(std::map<std::string, Tensor>* tensors) const override;
  Status load(const nlohmann::json& description, const std::map<std::string, Tensor>& tensors) override;
  MemoryBankDetector* memory_bank() override { return this; }

  const BankSpaceOptions& space_options() const override { return options_.space; }
  void fit_without(const FeatureSource& features, const std::vector<int64_t>& images, const ExcludedCells& excluded,
                   const FitOptions& options) override;

  int64_t num_references() const { return bank_ ? bank_->size() : 0; }

 private:
  PatchcoreOptions options_;
  Device device_;
  std::optional<MemoryBank> bank_;
};

}  // namespace assay::models
