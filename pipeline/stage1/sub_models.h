// SPDX-License-Identifier: Apache-2.0
// Cross-model scores of any detector: K sub-models are fitted, each scores every image (arXiv 2508.07441, eq. 3 and 4).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "models/detectors/detector.h"
#include "models/scoring/image_score.h"
#include "pipeline/devices/placement.h"
#include "pipeline/run/progress.h"
#include "pipeline/training/resumable.h"

namespace assay::pipeline {

// Makes a detector on the device.
using DetectorFactory = std::function<std::unique_ptr<models::Detector>(Device)>;

struct ScoringRule {
  double sigma = 4;  // of the map's Gaussian, in pixels of the backbone's input
  models::ImageScoreRule image_score;
};

// The image score of one image under a fitted detector.
double score_image(const models::Detector& detector, const models::FeatureGrid& grid, const ScoringRule& rule);

// Of several images of the source, in the order of `images`. On the CPU image by image, in parallel; on a GPU in
// batches of one size, at most `batch` images each. Ends early, with scores of no meaning, once `keep_going`, which is
// called with the number of images that were just done, from one thread at a time, answers false.
std::vector<double> score_images(const models::Detector& detector, const models::FeatureSource& features,
                                 const std::vector<int64_t>& images, const ScoringRule& rule, int64_t batch,
                                 const std::function<bool(int64_t done)>& keep_going = {});

struct CrossModelOptions {
  ScoringRule scoring;
  models::Schedule schedule = models::Schedule::kSubModel;
  uint64_t seed = 0;
  Placement placement;
  TrainingKeep keep;
  std::string prefix;       // of the sub-models' names in `keep`: PREFIXsub_model_1 and so on
  int64_t track_every = 0;  // FitTask::track_every
  bool keeps_sub_models = false;
};

struct CrossModelScores {
  std::vector<double> scores;                                 // (N, K): image under sub-model
  std::vector<TrackedScores> tracked;                         // (K), of detectors that train, where asked for
  std::vector<std::shared_ptr<models::Detector>> sub_models;  // (K) on the first device, where they are to be kept
};

// Sub-model k is fitted to the images of subset k, with the seed options.seed + k, and scores all `images`. images and
// subset have the same length; no subset may be empty (assay::Error). Several GPUs fit several sub-models at a time.
// Throws models::Cancelled when asked to stop; with options.keep the same call then goes on where it was.
CrossModelScores cross_model_scores(const models::FeatureSource& features, const std::vector<int64_t>& images,
                                    const std::vector<int>& subset, int num_models,
                                    const DetectorFactory& make_detector, const CrossModelOptions& options,
                                    Progress* progress);

}  // namespace assay::pipeline
