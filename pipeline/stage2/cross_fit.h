// SPDX-License-Identifier: Apache-2.0
// Honest scores of the images that the final detector is fitted to: each is scored by a detector that has not seen it.
#pragma once

#include <cstdint>
#include <vector>

#include "models/detectors/memory_bank_detector.h"
#include "pipeline/stage1/sub_models.h"

namespace assay::pipeline {

// Fits the detector, without the excluded cells if it is a memory bank; another one must have none (assay::Error).
void fit_detector(models::Detector& detector, const models::FeatureSource& features, const std::vector<int64_t>& images,
                  const models::ExcludedCells& excluded, const models::FitOptions& options);

struct CrossFitOptions {
  int folds = 5;
  ScoringRule scoring;
  uint64_t seed = 0;
  Placement placement;
  TrainingKeep keep;  // where each fold is kept as "fold_1" and so on
};

// Cuts the images into folds and scores each fold under a detector fitted to the other folds: (N) in the order of
// `images`. These detectors have seen a little less than the final one, so their scores err on the high side.
// Several GPUs take several folds at a time. Fewer images than folds: one fold each. Needs at least two images
// (assay::Error). Throws models::Cancelled when asked to stop; with options.keep the same call then goes on where it
// was.
std::vector<double> cross_fit_scores(const models::FeatureSource& features, const std::vector<int64_t>& images,
                                     const models::ExcludedCells& excluded, const DetectorFactory& make_detector,
                                     const CrossFitOptions& options, Progress* progress);

}  // namespace assay::pipeline
