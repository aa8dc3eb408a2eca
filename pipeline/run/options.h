// SPDX-License-Identifier: Apache-2.0
// What a run is told. Every member that can change a result is part of the configuration that its folder records.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "models/detectors/detector_list.h"
#include "pipeline/dataset/injection.h"
#include "pipeline/dataset/open.h"
#include "pipeline/devices/placement.h"
#include "pipeline/model/feature_recipe.h"
#include "pipeline/stage1/aggregate.h"
#include "pipeline/stage1/keep_rule.h"
#include "pipeline/stage1/sub_models.h"

namespace assay::pipeline {

// What stage 1 does with the patches of images that it sets aside.
enum class Rescue {
  kNone,     // nothing of them is used
  kPatches,  // memory banks only: their unsuspicious patches are used
};

struct RunOptions {
  std::string data;  // folder, csv or JSON
  dataset::Options dataset;
  // Experiments with labelled data: the training set is made by labels, which nothing else of a training reads.
  std::optional<dataset::Injection> injection;  // anomalous test images hidden in it
  bool clean_by_labels = false;                 // anomalous images taken out of it: a bound, no result
  FeatureRecipe features = default_feature_recipe();
  ScoringRule scoring;

  std::string detector = "patchcore";
  std::string stage1_detector;  // empty: first_detector() chooses
  models::DetectorOptions detector_options;

  bool single_stage = false;  // fit to all images: the baseline of every comparison
  int subsets = 5;
  AggregateRule aggregate;
  double expected_bank_share = 0.1;  // of the images, for Aggregate::kExpected
  int64_t support_rank = 5;          // k of Aggregate::kSupport and of suspicious patches
  double copy_share = 0.4;           // patches in which near copies, which do not vouch, are near
  double false_share = 0.5;          // of what --keep=auto calls suspicious may be normal
  double doubtful_share = 0.02;      // of an image's patches may be suspicious before the image is
  KeepRule keep;
  int rounds = 1;
  Rescue rescue = Rescue::kNone;
  int64_t track_scores = 0;  // steps between two looks at all images' scores while sub-models train; 0: none

  bool ensemble = false;  // the sub-models of stage 1 are the final detector, which is of their kind
  double false_alarm_rate = 0.01;
  uint64_t seed = 0;

  bool strict = false;                      // an unusable image is an error
  int64_t memory_limit = int64_t{4} << 30;  // bytes of the host's
  double checkpoint_every_s = 60;           // TrainingKeep::checkpoint_every_s
  std::string feature_cache;                // folder of a FeatureCache; empty: none
  Placement placement;
};

// The detector of stage 1: the one that is named; or patchcore, whose patches say how many images to set aside, where
// the final detector trains and nothing asks for sub-models of its kind (an ensemble, tracked scores); or the final
// one's kind.
std::string first_detector(const RunOptions& options);

// Members that decide the results, in a stable order; not the memory limit, the feature cache, how often a training
// is saved, or where it is computed (a GPU's results are the CPU's within rounding), and of the data only the name.
nlohmann::ordered_json configuration(const RunOptions& options);

}  // namespace assay::pipeline
