// SPDX-License-Identifier: Apache-2.0
// Cross-model scores of any detector: K sub-models are fitted, each scores every image (arXiv 2508.07441, eq. 3 and 4).
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "models/detectors/detector.h"
#include "models/scoring/image_score.h"
#include "pipeline/run/progress.h"

namespace assay::pipeline {

using DetectorFactory = std::function<std::unique_ptr<models::Detector>()>;

struct ScoringRule {
  double sigma = 4;  // of the map's Gaussian, in pixels of the backbone's input
  models::ImageScoreRule image_score;
};

// The image score of one image under a fitted detector.
double score_image(const models::Detector& detector, const models::FeatureGrid& grid, const ScoringRule& rule);

// scores[i * num_models + k]: image images[i] under the sub-model fitted to the images of subset k. Sub-model k's seed
// is seed + k. images and subset have the same length; no subset may be empty. Throws models::Cancelled when asked to
// stop.
std::vector<double> cross_model_scores(const models::FeatureSource& features, const std::vector<int64_t>& images,
                                       const std::vector<int>& subset, int num_models,
                                       const DetectorFactory& make_detector, const ScoringRule& rule,
                                       models::Schedule schedule, uint64_t seed, Progress* progress);

}  // namespace assay::pipeline
