// SPDX-License-Identifier: Apache-2.0
// A model on images whose truth is known: the only place, beside audits, that labels reach.
#pragma once

#include <string>
#include <vector>

#include "pipeline/dataset/opened.h"
#include "pipeline/devices/placement.h"
#include "pipeline/features/image_features.h"
#include "pipeline/metrics/metrics.h"
#include "pipeline/model/model.h"
#include "pipeline/run/progress.h"

namespace assay::pipeline {

struct ImageResult {
  std::string id;
  double score = 0;
  bool anomalous = false;  // as the model decides
  int label = -1;          // truth
  std::string defect;      // truth, for audit
};

struct Evaluation {
  std::vector<ImageResult> images;   // scored ones, sorted by id
  std::vector<SkippedFile> skipped;  // sorted by id
  Metrics metrics;                   // of the images whose label is known
  bool has_labels = false;           // at least one label is known
};

// Scores the images and compares with the truth. Pixel metrics are over the model's input size, masks brought there by
// nearest neighbour; an anomalous image without a mask is left out of them. A mask that cannot be read leaves its image
// out, too, and is noted. The model lies on the first device of the placement; further ones get copies. On the CPU
// features that a cache of the model's recipe has are not computed again; null: there is none. Fails only when asked to
// stop.
Result<Evaluation> evaluate(const Model& model, const std::vector<ImageFile>& files, const dataset::Opened& data,
                            Progress* progress, const Placement& placement = {}, const FeatureCache* cache = nullptr);

// scores.csv: path,score,anomalous,label (label empty where unknown).
std::string scores_csv(const std::vector<ImageResult>& images);

}  // namespace assay::pipeline
