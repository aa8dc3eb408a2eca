// SPDX-License-Identifier: Apache-2.0
// Stage 1: which training images look anomalous to models of the others (arXiv 2508.07441, section 3.1).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/detectors/memory_bank_detector.h"
#include "pipeline/stage1/aggregate.h"
#include "pipeline/stage1/keep_rule.h"
#include "pipeline/stage1/sub_models.h"

namespace assay::pipeline {

struct Stage1Options {
  int subsets = 5;  // K
  AggregateRule aggregate;
  double expected_bank_share = 0.1;
  KeepRule keep;
  int rounds = 1;
  bool rescue_patches = false;
  ScoringRule scoring;
  uint64_t seed = 0;
  int64_t memory_budget = int64_t{1} << 30;    // bytes that the distance table may take in memory
  int64_t max_table_bytes = int64_t{4} << 30;  // with what lies in a file; above it sub-models are fitted instead
  std::string spill_folder;
};

// One entry per image, in the order of the source.
struct Stage1Result {
  int num_models = 0;             // K
  std::vector<int> subset;        // of the last round; -1: in none, as it was set aside before
  std::vector<double> scores;     // (N, K) of the last round
  std::vector<double> suspicion;  // (N)
  Selection selection;
  models::ExcludedCells excluded;  // of images that enter stage 2 in part (rescue_patches)
  bool used_distance_table = false;
};

// Scores all images of the source and selects. Needs at least `subsets` images. Throws nothing that the world causes.
Result<Stage1Result> run_stage1(const models::FeatureSource& features, const DetectorFactory& make_detector,
                                const Stage1Options& options, Progress* progress);

}  // namespace assay::pipeline
