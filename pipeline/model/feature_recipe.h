// SPDX-License-Identifier: Apache-2.0
// Everything that decides the features of an image: what a model file must record so that scoring repeats training.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "kernels/base/status.h"
#include "models/features/input_size.h"
#include "models/features/patch_features.h"
#include "models/layers/parameter_list.h"

namespace assay::pipeline {

struct FeatureRecipe {
  std::string backbone = "efficientnet_lite0";
  models::NamedTensors weights;  // of a backbone that has none built in; they go into the model file
  models::InputSizeRule input_size;
  models::PatchFeatureOptions patches;
};

// The built-in backbone with its default levels and the product's default sizes.
FeatureRecipe default_feature_recipe();
// Of a backbone that is known.
std::vector<std::string> default_levels(const std::string& backbone);

// Reads a file of the user's weights and checks that the backbone can be made of it. An error lists what is missing,
// left over or of another shape.
Result<models::NamedTensors> read_backbone_weights(const std::string& backbone, const std::string& path);

// Of weights a hash.
nlohmann::json to_json(const FeatureRecipe& recipe);
// Untrusted input: every member is checked for type and range.
Result<FeatureRecipe> feature_recipe_from_json(const nlohmann::json& description);

// On the device. Fails for an unknown backbone or a level that it does not have.
Result<std::unique_ptr<models::PatchFeatures>> make_patch_features(const FeatureRecipe& recipe,
                                                                   Device device = Device::cpu());

}  // namespace assay::pipeline
