// SPDX-License-Identifier: Apache-2.0
// What a run ships: one file with everything that scoring an image takes (pipeline/model/FORMAT.md).
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "models/detectors/detector_list.h"
#include "models/scoring/image_score.h"
#include "pipeline/model/feature_recipe.h"
#include "pipeline/stage1/sub_models.h"
#include "pipeline/stage2/calibration.h"

namespace assay::pipeline {

struct ScoredImage {
  double score = 0;
  bool anomalous = false;  // the score is above the calibrated threshold
  Tensor map;              // (H, W) float32 over the backbone's input, which shows the whole image
};

// Before the name of a detector: an ensemble of such.
inline constexpr char kEnsemblePrefix[] = "ensemble/";

// Lives on one device, the detector's; the file knows none. Safe to share between threads.
class Model {
 public:
  // The parts of a run. The name is one of the detector list's, after kEnsemblePrefix where the detector is an
  // ensemble. `provenance` is kept as it is: version, seed, counts, hashes. An error where the detector was fitted to
  // other features than the recipe's.
  static Result<std::unique_ptr<Model>> make(FeatureRecipe recipe, std::string detector_name,
                                             std::unique_ptr<models::Detector> detector, ScoringRule scoring,
                                             Calibration calibration, nlohmann::json provenance);
  // Errors name the file and what is wrong with it.
  static Result<std::unique_ptr<Model>> load(const std::string& path, Device device = Device::cpu());
  // The same model on another device.
  Result<std::unique_ptr<Model>> copy_to(Device device) const;
  Device device() const { return detector_->device(); }
  // The file appears under its name whole or not at all.
  Status save(const std::string& path) const;

  // input: (H, W, 3) uint8 RGB, already scaled by input_size_rule(). On the CPU computed by the calling thread alone,
  // but for the search of a memory bank.
  ScoredImage score(const Tensor& input) const;
  // The same from the features that features() makes of it.
  ScoredImage score(const models::FeatureGrid& grid) const;
  // The maps of several inputs of one size, (B, H, W, 3): (B, H, W) float32 on the CPU, for judge().
  Tensor anomaly_maps(const Tensor& inputs) const;
  // Gives back the buffers that scoring keeps between calls.
  void release_workspaces() const { features_->release_workspaces(); }
  // Score and decision from a map, (H, W) on the CPU.
  ScoredImage judge(const Tensor& map) const;
  // An image (H, W, 3) uint8 of any size, scaled as score() wants it, on the CPU.
  Tensor to_input(const Tensor& rgb) const;
  // A whole image of any size.
  ScoredImage score_image(const Tensor& rgb) const;

  const FeatureRecipe& recipe() const { return recipe_; }
  const models::PatchFeatures& features() const { return *features_; }
  const std::string& detector_name() const { return detector_name_; }
  const models::Detector& detector() const { return *detector_; }
  const Calibration& calibration() const { return calibration_; }
  const ScoringRule& scoring() const { return scoring_; }
  const nlohmann::json& provenance() const { return provenance_; }
  // The JSON that the file carries, without the tensors.
  nlohmann::json description() const;

 private:
  Model() = default;

  FeatureRecipe recipe_;
  std::string detector_name_;
  std::unique_ptr<models::Detector> detector_;
  std::unique_ptr<models::PatchFeatures> features_;
  ScoringRule scoring_;
  Calibration calibration_;
  nlohmann::json provenance_;
};

}  // namespace assay::pipeline
