// SPDX-License-Identifier: Apache-2.0
#include "pipeline/model/feature_recipe.h"

#include <utility>

#include "models/backbones/backbone_list.h"
#include "pipeline/model/json_fields.h"

namespace assay::pipeline {
namespace {

constexpr char kWhat[] = "features";
constexpr int64_t kMaxImageSize = 4096;    // px; at 8 px a cell 262144 patches an image
constexpr int64_t kMaxNeighbourhood = 15;  // cells

}  // namespace

FeatureRecipe default_feature_recipe() {
  FeatureRecipe recipe;
  recipe.patches.levels = {"block10"};
  return recipe;
}

nlohmann::json to_json(const FeatureRecipe& recipe) {
  return {{"backbone", recipe.backbone},
          {"image_size", recipe.input_size.image_size},
          {"fit", models::fit_name(recipe.input_size.fit)},
          {"levels", recipe.patches.levels},
          {"neighbourhood", recipe.patches.neighbourhood},
          {"unit_length", recipe.patches.unit_length}};
}

Result<FeatureRecipe> feature_recipe_from_json(const nlohmann::json& description) {
  FeatureRecipe recipe;
  std::string fit;
  ASSAY_RETURN_IF_ERROR(read_field(description, kWhat, "backbone", &recipe.backbone));
  ASSAY_RETURN_IF_ERROR(read_field(description, kWhat, "image_size", 32, kMaxImageSize, &recipe.input_size.image_size));
  ASSAY_RETURN_IF_ERROR(read_field(description, kWhat, "fit", &fit));
  ASSAY_RETURN_IF_ERROR(read_field(description, kWhat, "levels", &recipe.patches.levels));
  ASSAY_RETURN_IF_ERROR(
      read_field(description, kWhat, "neighbourhood", 1, kMaxNeighbourhood, &recipe.patches.neighbourhood));
  ASSAY_RETURN_IF_ERROR(read_field(description, kWhat, "unit_length", &recipe.patches.unit_length));
  const Result<models::InputSizeRule::Fit> named = models::fit_from_name(fit);
  if (!named.ok()) return named.status();
  recipe.input_size.fit = named.value();
  if (recipe.patches.neighbourhood % 2 == 0) {
    return Status::error(kWhat, ": neighbourhood is ", recipe.patches.neighbourhood, ", expected an odd number");
  }
  return recipe;
}

Result<std::unique_ptr<models::PatchFeatures>> make_patch_features(const FeatureRecipe& recipe, Device device) {
  Result<std::unique_ptr<models::Backbone>> backbone = models::make_backbone(recipe.backbone, device);
  if (!backbone.ok()) return backbone.status();
  try {
    return std::make_unique<models::PatchFeatures>(std::move(backbone).value(), recipe.patches);
  } catch (const Error& error) {
    return Status::error(error.what());
  }
}

}  // namespace assay::pipeline
