// SPDX-License-Identifier: Apache-2.0
// What stage 1 may ask of a detector whose model is a union of what each image contributes.
#pragma once

#include <cstdint>
#include <vector>

#include "models/detectors/detector.h"
#include "models/memory_bank/bank_space.h"

namespace assay::models {

class MemoryBankDetector {
 public:
  virtual ~MemoryBankDetector() = default;

  // The space in which the detector's banks measure distances: BankSpace::fit with these options gives it.
  virtual const BankSpaceOptions& space_options() const = 0;

  // As Detector::fit, but the marked cells leave no trace in the model.
  virtual void fit_without(const FeatureSource& features, const std::vector<int64_t>& images,
                           const ExcludedCells& excluded, const FitOptions& options) = 0;
};

}  // namespace assay::models
