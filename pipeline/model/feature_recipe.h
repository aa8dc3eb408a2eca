// SPDX-License-Identifier: Apache-2.0
// Everything that decides the features of an image: what a model file must record so that scoring repeats training.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "kernels/base/status.h"
#include "models/features/input_size.h"
#include "models/features/patch_features.h"

namespace assay::pipeline {

struct FeatureRecipe {
  std::string backbone = "efficientnet_lite0";
  models::InputSizeRule input_size;
  models::PatchFeatureOptions patches;
};

// The backbone's default levels and the product's default sizes.
FeatureRecipe default_feature_recipe();

nlohmann::json to_json(const FeatureRecipe& recipe);
// Untrusted input: every member is checked for type and range.
Result<FeatureRecipe> feature_recipe_from_json(const nlohmann::json& description);

// On the device. Fails for an unknown backbone or a level that it does not have.
Result<std::unique_ptr<models::PatchFeatures>> make_patch_features(const FeatureRecipe& recipe,
                                                                   Device device = Device::cpu());

}  // namespace assay::pipeline
