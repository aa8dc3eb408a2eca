// SPDX-License-Identifier: Apache-2.0
// What labels, where there are any, say about a selection that was made without them.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "pipeline/dataset/ground_truth.h"
#include "pipeline/evaluation/evaluate.h"
#include "pipeline/features/image_features.h"
#include "pipeline/stage1/stage1.h"

namespace assay::pipeline {

struct Audit {
  int64_t num_train = 0;               // usable training files
  int64_t num_kept = 0;                // of them, whole in stage 2
  std::optional<double> alpha;         // share of anomalous files among all; absent unless every label is known
  std::optional<double> alpha_kept;    // among the kept
  std::optional<double> stage1_auroc;  // how well the suspicion ranks anomalous files above normal ones
};

Audit audit_selection(const ImageFeatures& features, const Stage1Result& stage1, const dataset::GroundTruth& truth);

// n_train, n_kept, alpha, alpha_kept, stage1_auroc; null where absent.
nlohmann::ordered_json to_json(const Audit& audit);

// Of all patches of the training images, those that stage 2 does not learn from.
double share_of_patches_cut(const models::FeatureSource& features, const Stage1Result& stage1);

// Image AUROC of each kind of defect against all normal images; kinds without a name are left out.
std::map<std::string, double> auroc_by_defect(const std::vector<ImageResult>& images);

}  // namespace assay::pipeline
