// SPDX-License-Identifier: Apache-2.0
#include "pipeline/model/feature_recipe.h"

#include <utility>

#include "models/backbones/backbone_list.h"
#include "models/backbones/weight_file.h"
#include "pipeline/data/sha256.h"
#include "pipeline/model/json_fields.h"

namespace assay::pipeline {
namespace {

constexpr char kWhat[] = "features";
constexpr int64_t kMaxImageSize = 4096;    // px; at 8 px a cell 262144 patches an image
constexpr int64_t kMaxNeighbourhood = 15;  // cells

// Of names, shapes and values, in the order of the list.
std::string hash_of(const models::NamedTensors& weights) {
  std::string digests;
  for (const auto& [name, tensor] : weights) {
    const data::ByteView bytes(reinterpret_cast<const uint8_t*>(tensor.raw()), tensor.bytes());
    digests += text(name, " ", to_string(tensor.shape()), " ", data::sha256(bytes), "\n");
  }
  return data::sha256({reinterpret_cast<const uint8_t*>(digests.data()), digests.size()});
}

// The levels as they are (Deng, Li 2022): strides 4, 8 and 16; a transformer has one stride.
models::PatchFeatureOptions pyramid(const std::string& backbone) {
  models::PatchFeatureOptions patches;
  if (backbone == "efficientnet_lite0") {
    patches.levels = {"block2", "block4", "block10"};
  } else if (backbone.rfind("dinov2", 0) == 0) {
    patches.levels = {"norm"};
  } else {
    patches.levels = {"layer1", "layer2", "layer3"};
  }
  patches.neighbourhood = 1;
  patches.unit_length = false;
  patches.packed = true;
  return patches;
}

}  // namespace

FeatureRecipe default_feature_recipe() {
  FeatureRecipe recipe;
  recipe.patches = default_patches(recipe.backbone, FeatureUse::kPatches);
  return recipe;
}

models::PatchFeatureOptions default_patches(const std::string& backbone, FeatureUse use) {
  if (use == FeatureUse::kPyramid) return pyramid(backbone);
  models::PatchFeatureOptions patches;
  if (backbone == "efficientnet_lite0") {
    patches.levels = {"block10"};  // the level whose results README.md shows
  } else if (backbone.rfind("dinov2", 0) != 0) {
    patches.levels = {"layer2", "layer3"};  // of ResNets: Roth et al. 2022
  } else if (use == FeatureUse::kPatches) {
    // Patches of the last layer under the final norm, of length one, no neighbourhood (AnomalyDINO, Damm et al. 2025).
    patches.levels = {"norm"};
    patches.neighbourhood = 1;
  } else {
    // The eight middle layers in two groups, all tokens as they are (Dinomaly, Guo et al. 2025).
    const bool is_large = backbone == "dinov2_reg_vit_l14";
    patches.levels = is_large
                         ? std::vector<std::string>{"layer4+layer6+layer8+layer10", "layer12+layer14+layer16+layer18"}
                         : std::vector<std::string>{"layer2+layer3+layer4+layer5", "layer6+layer7+layer8+layer9"};
    patches.neighbourhood = 1;
    patches.unit_length = false;
    patches.prefix_tokens = true;
  }
  return patches;
}

int64_t reconstruction_groups(const models::PatchFeatures& features, int64_t blocks) {
  const int64_t parts = features.num_parts();
  return features.has_parts_of_one_width() && blocks % parts == 0 ? parts : 1;
}

models::RdShape rd_shape(const models::PatchFeatures& features) {
  using Block = models::RdShape::Block;
  const std::string& backbone = features.backbone().name();
  const bool is_wide = backbone.rfind("wide_resnet", 0) == 0;
  const Block block = is_wide ? Block::kWideBottleneck : backbone == "resnet50" ? Block::kBottleneck : Block::kBasic;
  return {features.part_widths(), block, /*is_rectified=*/is_wide || backbone.rfind("resnet", 0) == 0};
}

Result<models::NamedTensors> read_backbone_weights(const std::string& backbone, const std::string& path) {
  Result<models::NamedTensors> weights = models::read_weight_file(path);
  if (!weights.ok()) return weights.status();
  const Result<std::unique_ptr<models::Backbone>> made =
      models::make_backbone(backbone, Device::cpu(), weights.value());
  if (!made.ok()) return Status::error(path, ": ", made.message());
  return weights;
}

nlohmann::json to_json(const FeatureRecipe& recipe) {
  nlohmann::json description = {{"backbone", recipe.backbone},
                                {"image_size", recipe.input_size.image_size},
                                {"fit", models::fit_name(recipe.input_size.fit)},
                                {"levels", recipe.patches.levels},
                                {"neighbourhood", recipe.patches.neighbourhood},
                                {"unit_length", recipe.patches.unit_length}};
  if (recipe.patches.prefix_tokens) description["prefix_tokens"] = true;
  if (recipe.patches.packed) description["packed"] = true;
  if (!recipe.weights.empty()) description["weights_sha256"] = hash_of(recipe.weights);
  return description;
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
  if (description.contains("prefix_tokens")) {
    ASSAY_RETURN_IF_ERROR(read_field(description, kWhat, "prefix_tokens", &recipe.patches.prefix_tokens));
  }
  if (description.contains("packed")) {
    ASSAY_RETURN_IF_ERROR(read_field(description, kWhat, "packed", &recipe.patches.packed));
  }
  const Result<models::InputSizeRule::Fit> named = models::fit_from_name(fit);
  if (!named.ok()) return named.status();
  recipe.input_size.fit = named.value();
  if (recipe.patches.neighbourhood % 2 == 0) {
    return Status::error(kWhat, ": neighbourhood is ", recipe.patches.neighbourhood, ", expected an odd number");
  }
  return recipe;
}

Result<std::unique_ptr<models::PatchFeatures>> make_patch_features(const FeatureRecipe& recipe, Device device) {
  Result<std::unique_ptr<models::Backbone>> backbone = models::make_backbone(recipe.backbone, device, recipe.weights);
  if (!backbone.ok()) return backbone.status();
  try {
    return std::make_unique<models::PatchFeatures>(std::move(backbone).value(), recipe.patches);
  } catch (const Error& error) {
    return Status::error(error.what());
  }
}

}  // namespace assay::pipeline
