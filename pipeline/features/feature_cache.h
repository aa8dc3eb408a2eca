// SPDX-License-Identifier: Apache-2.0
// Features of images in a folder, for every run of the same images.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "engine/device/device.h"
#include "models/features/feature_grid.h"
#include "pipeline/training/part_store.h"

namespace assay::pipeline {

// One file an image, named by the image's SHA-256, in a folder of its own for each recipe, kind of device and version
// of the program (key.json in it says which). So nothing has to be kept in step: two processes may fill one cache, and
// a user may delete any file of it at any time. A file appears under its name whole, carries a SHA-256 of what is in it
// and is read with pread; one that is damaged is as good as absent.
class FeatureCache {
 public:
  enum class Precision {
    k16Bit,    // as ImageFeatures keeps training images
    kFloat32,  // as images are scored
  };
  struct Entry {
    models::FeatureGrid shape;  // without rows and prefix
    Tensor rows;                // the prefix, then the cells
  };

  // Makes the folders, so that one that cannot be written is known before there is anything to lose. `recipe` is
  // whatever decides the features but for the image (to_json(FeatureRecipe)).
  static Result<std::unique_ptr<FeatureCache>> open(const std::string& folder, const nlohmann::json& recipe,
                                                    const Device& device);

  // Safe from several threads at once. Nothing where there is none, or none that can be used.
  std::optional<Entry> get(const std::string& sha256, Precision precision) const;
  // What cannot be written is counted and otherwise lost.
  void put(const std::string& sha256, Precision precision, const Entry& entry) const;

  int64_t num_found() const { return num_found_; }
  // What went wrong so far, in a line for the user; empty where nothing did.
  std::string trouble() const;

 private:
  FeatureCache(std::string folder, std::string maker) : folder_(folder), parts_(std::move(folder), std::move(maker)) {}

  const std::string folder_;
  const PartStore parts_;
  mutable std::atomic<int64_t> num_found_{0}, num_damaged_{0}, num_unwritten_{0};
};

}  // namespace assay::pipeline
