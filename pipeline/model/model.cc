// SPDX-License-Identifier: Apache-2.0
#include "pipeline/model/model.h"

#include <map>
#include <utility>
#include <vector>

#include "engine/io/safetensors.h"
#include "engine/ops/resize.h"
#include "models/detectors/ensemble.h"
#include "pipeline/model/json_fields.h"

namespace assay::pipeline {
namespace {

constexpr int64_t kFormatVersion = 1;
constexpr char kMetadataKey[] = "assay";
constexpr char kBackbonePrefix[] = "backbone.";  // of the tensors that are the user's weights

// The description of a model file, with its own version checked.
Result<nlohmann::json> read_description(const io::SafetensorsReader& reader) {
  const auto found = reader.metadata().find(kMetadataKey);
  if (found == reader.metadata().end()) {
    return Status::error("not a model of Assay: the metadata has no '", kMetadataKey, "'");
  }
  nlohmann::json description = nlohmann::json::parse(found->second, nullptr, /*allow_exceptions=*/false);
  if (!description.is_object()) return Status::error("the description is not a JSON object");
  int64_t version = 0;
  ASSAY_RETURN_IF_ERROR(read_field(description, "model", "format_version", 1, INT64_MAX, &version));
  if (version > kFormatVersion) {
    return Status::error("format version ", version, ", this program reads up to ", kFormatVersion);
  }
  for (const char* member : {"features", "detector", "scoring", "calibration", "provenance"}) {
    if (!description.contains(member)) return Status::error("the description has no '", member, "'");
  }
  return description;
}

Result<ScoringRule> scoring_from_json(const nlohmann::json& description) {
  ScoringRule scoring;
  std::string name;
  ASSAY_RETURN_IF_ERROR(read_field(description, "scoring", "sigma", 0, 100, &scoring.sigma));
  ASSAY_RETURN_IF_ERROR(read_field(description, "scoring", "image_score", &name));
  const Result<models::ImageScoreRule> rule = models::ImageScoreRule::from_name(name);
  if (!rule.ok()) return rule.status();
  scoring.image_score = rule.value();
  return scoring;
}

// One to load a saved state into.
Result<std::unique_ptr<models::Detector>> make_unfitted(const std::string& name, Device device) {
  const std::string prefix = kEnsemblePrefix;
  if (name.compare(0, prefix.size(), prefix) != 0) return models::make_detector(name, {}, device);
  const std::string kind = name.substr(prefix.size());
  const auto make_member = [kind, device] { return models::make_detector(kind, {}, device).value(); };
  const Result<std::unique_ptr<models::Detector>> known = models::make_detector(kind, {}, device);
  if (!known.ok()) return known.status();
  return std::unique_ptr<models::Detector>(std::make_unique<models::Ensemble>(make_member, device));
}

// A file may name features that its detector was not fitted to: one patch tells, before an image does.
Status try_detector(const models::Detector& detector, const models::PatchFeatures& features) {
  models::FeatureGrid grid{1, 1, 1, 1, Tensor::zeros<float>({1, features.width()}, "model")};
  try {
    detector.score(grid);
  } catch (const Error& error) {
    return Status::error("features and detector do not fit: ", error.what());
  }
  return Status();
}

}  // namespace

Result<std::unique_ptr<Model>> Model::make(FeatureRecipe recipe, std::string detector_name,
                                           std::unique_ptr<models::Detector> detector, ScoringRule scoring,
                                           Calibration calibration, nlohmann::json provenance) {
  Result<std::unique_ptr<models::PatchFeatures>> features = make_patch_features(recipe, detector->device());
  if (!features.ok()) return features.status();
  ASSAY_RETURN_IF_ERROR(try_detector(*detector, *features.value()));
  std::unique_ptr<Model> model(new Model);
  model->recipe_ = std::move(recipe);
  model->recipe_.input_size.multiple = features.value()->backbone().side_multiple();
  model->detector_name_ = std::move(detector_name);
  model->detector_ = std::move(detector);
  model->features_ = std::move(features).value();
  model->scoring_ = scoring;
  model->calibration_ = calibration;
  model->provenance_ = std::move(provenance);
  return model;
}

Result<std::unique_ptr<Model>> Model::load(const std::string& path, Device device) {
  const Result<io::SafetensorsReader> reader = io::SafetensorsReader::open(path);
  if (!reader.ok()) return reader.status();
  const auto in_file = [&](const Status& status) { return Status::error(path, ": ", status.message()); };
  const Result<nlohmann::json> description = read_description(reader.value());
  if (!description.ok()) return in_file(description.status());
  const nlohmann::json& d = description.value();

  Result<FeatureRecipe> recipe = feature_recipe_from_json(d["features"]);
  if (!recipe.ok()) return in_file(recipe.status());
  const Result<ScoringRule> scoring = scoring_from_json(d["scoring"]);
  if (!scoring.ok()) return in_file(scoring.status());
  const Result<Calibration> calibration = calibration_from_json(d["calibration"]);
  if (!calibration.ok()) return in_file(calibration.status());
  std::string name;
  if (const Status status = read_field(d["detector"], "detector", "name", &name); !status.ok()) return in_file(status);
  Result<std::unique_ptr<models::Detector>> detector = make_unfitted(name, device);
  if (!detector.ok()) return in_file(detector.status());
  std::map<std::string, Tensor> tensors;
  for (const io::SafetensorsEntry& entry : reader.value().entries()) {
    Result<Tensor> tensor = reader.value().read(entry.name, "model");
    if (!tensor.ok()) return tensor.status();
    if (entry.name.rfind(kBackbonePrefix, 0) == 0) {
      recipe.value().weights.push_back({entry.name.substr(sizeof kBackbonePrefix - 1), std::move(tensor).value()});
    } else {
      tensors[entry.name] = std::move(tensor).value();
    }
  }
  const auto state = d["detector"].find("state");
  if (state == d["detector"].end()) return in_file(Status::error("detector: state is missing"));
  if (const Status status = detector.value()->load(*state, tensors); !status.ok()) return in_file(status);
  Result<std::unique_ptr<Model>> model = make(std::move(recipe).value(), name, std::move(detector).value(),
                                              scoring.value(), calibration.value(), d["provenance"]);
  return model.ok() ? std::move(model) : Result<std::unique_ptr<Model>>(in_file(model.status()));
}

nlohmann::json Model::description() const {
  return {{"format_version", kFormatVersion},
          {"features", to_json(recipe_)},
          {"detector", {{"name", detector_name_}}},
          {"scoring", {{"sigma", scoring_.sigma}, {"image_score", scoring_.image_score.name()}}},
          {"calibration", to_json(calibration_)},
          {"provenance", provenance_}};
}

Status Model::save(const std::string& path) const {
  std::map<std::string, Tensor> tensors;
  nlohmann::json d = description();
  d["detector"]["state"] = detector_->save(&tensors);
  for (const auto& [name, tensor] : recipe_.weights) tensors[kBackbonePrefix + name] = tensor;
  const auto replace = nlohmann::json::error_handler_t::replace;  // file names need not be UTF-8
  return io::write_safetensors(path, std::vector<std::pair<std::string, Tensor>>(tensors.begin(), tensors.end()),
                               {{kMetadataKey, d.dump(-1, ' ', /*ensure_ascii=*/false, replace)}});
}

Result<std::unique_ptr<Model>> Model::copy_to(Device device) const {
  Result<std::unique_ptr<models::Detector>> detector = make_unfitted(detector_name_, device);
  if (!detector.ok()) return detector.status();
  std::map<std::string, Tensor> tensors;
  const nlohmann::json state = detector_->save(&tensors);
  ASSAY_RETURN_IF_ERROR(detector.value()->load(state, tensors));
  return make(recipe_, detector_name_, std::move(detector).value(), scoring_, calibration_, provenance_);
}

ScoredImage Model::score(const Tensor& input) const { return score(features_->extract(input)); }

ScoredImage Model::score(const models::FeatureGrid& grid) const {
  const Tensor map = models::anomaly_map(detector_->score(grid), grid.image_height, grid.image_width, scoring_.sigma);
  return judge(map.to(Device::cpu(), "maps"));
}

Tensor Model::anomaly_maps(const Tensor& inputs) const {
  const models::FeatureGrid grid = features_->extract(inputs);
  const Tensor maps = models::anomaly_map(detector_->score(grid), grid.image_height, grid.image_width, scoring_.sigma);
  return maps.reshape({grid.batch, grid.image_height, grid.image_width}).to(Device::cpu(), "maps");
}

ScoredImage Model::judge(const Tensor& map) const {
  ScoredImage result;
  result.map = map;
  result.score = models::image_score(result.map, scoring_.image_score);
  result.anomalous = result.score > calibration_.threshold;
  return result;
}

Tensor Model::to_input(const Tensor& rgb) const {
  const models::InputSize size = models::input_size(rgb.dim(1), rgb.dim(0), recipe_.input_size);
  return ops::antialias_resize(rgb, size.height, size.width);
}

ScoredImage Model::score_image(const Tensor& rgb) const { return score(to_input(rgb)); }

}  // namespace assay::pipeline
