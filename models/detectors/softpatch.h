// SPDX-License-Identifier: Apache-2.0
// A memory bank for images that are not sorted: patches that look like noise are left out of it, and each reference
// weighs the distances to it by how much it looked like noise itself. Source: Jiang, Liu, Wang, Nie, Wu, Liu, Wang,
// Zheng 2022, "SoftPatch: Unsupervised Anomaly Detection with Noisy Data", and the published code.
//
//   w(p) = outlier score of patch p among the patches at its position of all images (patch_outliers.h); one more than
//          that but for the local outlier factor
//   bank = greedy k-center over the patches whose w is not among the highest noise_share
//   value of a patch = |patch - b|^2 w(b), b its nearest reference
//
// Images keep their aspect ratio and so differ in cells, which the published method does not know: features are
// resampled to a reference grid as PaDiM's are (reference_grid.h), scored there, and the scores resampled to the
// image's own cells. The bank has the cells themselves. Where all images have one grid this changes nothing.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "models/detectors/detector.h"
#include "models/detectors/patch_outliers.h"
#include "models/memory_bank/memory_bank.h"

namespace assay::models {

struct SoftpatchOptions {
  Discriminator discriminator = Discriminator::kLof;
  int64_t neighbours = 6;      // of the local outlier factor, 1 to 63
  double noise_share = 0.15;   // of all patches, left out as noise; 0 to below 1
  double coreset_ratio = 0.1;  // of all patches, noise among them; above 0, at most 1
  BankSpaceOptions space;      // in which all distances are measured; its reference_share has no part
};

class Softpatch : public Detector {
 public:
  explicit Softpatch(const SoftpatchOptions& options = {}, Device device = Device::cpu());

  Device device() const override { return device_; }

  // Both schedules are alike. Works from one image on, of which nothing is known to be noise. Fitting holds all patches
  // in the bank's space twice. Throws where features are not finite. An earlier fit survives a failed one.
  void fit(const FeatureSource& features, const std::vector<int64_t>& images, const FitOptions& options) override;
  // NaN for cells whose features are not finite.
  Tensor score(const FeatureGrid& grid) const override;
  // Tensors of the memory bank and softpatch.weight (N): w of its references, >= 0.
  nlohmann::json save(std::map<std::string, Tensor>* tensors) const override;
  Status load(const nlohmann::json& description, const std::map<std::string, Tensor>& tensors) override;

  int64_t num_references() const { return model_ ? model_->bank.size() : 0; }

 private:
  struct Model {
    MemoryBank bank;
    Tensor weight;  // (N, 1)
  };

  SoftpatchOptions options_;
  Device device_;
  std::optional<Model> model_;
};

}  // namespace assay::models
