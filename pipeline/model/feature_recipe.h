// SPDX-License-Identifier: Apache-2.0
// Everything that decides the features of an image: what a model file must record so that scoring repeats training.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "kernels/base/status.h"
#include "models/detectors/rd_network.h"
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
// What a detector sees of a backbone unless it is told otherwise.
enum class FeatureUse {
  kPatches,  // patches that are compared with each other
  kTrained,  // what a network gives back (Detector::trains)
  kPyramid,  // levels of several resolutions, packed (DetectorListing::takes_packed_levels)
};
models::PatchFeatureOptions default_patches(const std::string& backbone, FeatureUse use);
// How many groups a network of `blocks` blocks can reconstruct apart: one for each part of the features where all are
// of one width and share the blocks evenly, otherwise 1, the row as a whole.
int64_t reconstruction_groups(const models::PatchFeatures& features, int64_t blocks);
// The network of reverse distillation that gives back such packed features: blocks as the backbone's.
models::RdShape rd_shape(const models::PatchFeatures& features);

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
