// SPDX-License-Identifier: Apache-2.0
// Stage 1: which training images, and which of their patches, look anomalous to models of the other images
// (arXiv 2508.07441, section 3.1). README.md in this folder says where this differs and why.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "models/detectors/memory_bank_detector.h"
#include "pipeline/devices/placement.h"
#include "pipeline/stage1/aggregate.h"
#include "pipeline/stage1/distance_table.h"
#include "pipeline/stage1/keep_rule.h"
#include "pipeline/stage1/null_tail.h"
#include "pipeline/stage1/sub_models.h"

namespace assay::pipeline {

struct Stage1Options {
  int subsets = 5;  // K
  AggregateRule aggregate;
  double expected_bank_share = 0.1;  // of the images, Aggregate::kExpected
  int64_t support_rank = 5;          // k of Aggregate::kSupport and of suspicious patches
  double copy_share = 0.4;           // patches in which near copies, which do not vouch, are near (near_copies.h)
  KeepRule keep;
  double false_share = 0.5;      // of what the automatic rule calls suspicious may be normal (null_tail.h)
  double doubtful_share = 0.02;  // of an image's patches may be suspicious before the automatic rule sets it aside
  int rounds = 1;
  // Memory banks: of an image that is set aside only the suspicious patches are left out of stage 2. Otherwise all of
  // it.
  bool rescue_patches = false;
  ScoringRule scoring;
  uint64_t seed = 0;
  int64_t memory_budget = int64_t{1} << 30;    // bytes of the distance table that may lie in memory
  int64_t max_table_bytes = int64_t{4} << 30;  // with what lies in a file; above it sub-models are fitted instead
  std::string spill_folder;
  Placement placement;
  TrainingKeep trainings;         // where those of sub-models are kept
  bool keeps_sub_models = false;  // those that train; the others are fitted again sooner than stored
  int64_t track_every = 0;        // steps of training between two looks at all images' scores; 0: none
};

// One entry per image, in the order of the source.
struct Stage1Result {
  int num_models = 0;                  // K
  std::vector<int> subset;             // of the last round; -1: in none, as it was set aside before
  std::vector<double> scores;          // (N, K) of the last round
  std::vector<TrackedScores> tracked;  // (K) of the last round, where detectors train and scores are tracked
  std::vector<std::shared_ptr<models::Detector>> sub_models;  // (K) of the last round, where they are kept
  std::vector<double> suspicion;                              // (N)
  Selection selection;                                        // images that look normal
  // (N) of each image's patches; automatic rule with a distance table, else empty.
  std::vector<double> suspicious_share;
  NullTail tail;                   // of patches where there is a distance table, of images otherwise
  models::ExcludedCells excluded;  // suspicious cells of the images that were set aside, where patches are rescued
};

// The images that stage 2 learns from, whole or in part, ascending.
std::vector<int64_t> images_of_stage2(const Stage1Result& result);

// Images from the most suspicious to the least: by their share of suspicious patches where it is known, then by score.
std::vector<int64_t> most_suspicious_first(const Stage1Result& result);

// The distances between all images of the source in the space of the detector's banks; null, with a note, where the
// table would exceed the limit, and null where the detector is no memory bank.
Result<std::unique_ptr<DistanceTable>> make_distance_table(const models::FeatureSource& features,
                                                           const DetectorFactory& make_detector,
                                                           const Stage1Options& options, Progress* progress);

// Scores all images of the source and selects. `table` is make_distance_table's: with one no sub-model is fitted, and
// any number of calls may share it. An error for fewer images than subsets, for an aggregate or a rescue that needs a
// table or tracked scores where there are none, when asked to stop.
Result<Stage1Result> run_stage1(const models::FeatureSource& features, const DistanceTable* table,
                                const DetectorFactory& make_detector, const Stage1Options& options, Progress* progress);

}  // namespace assay::pipeline
