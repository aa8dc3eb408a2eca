// SPDX-License-Identifier: Apache-2.0
// Stage 1: which training images, and which of their patches, look anomalous to models of the other images
// (arXiv 2508.07441, section 3.1; docs/METHOD.md says where this differs and why).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/detectors/memory_bank_detector.h"
#include "pipeline/stage1/aggregate.h"
#include "pipeline/stage1/keep_rule.h"
#include "pipeline/stage1/null_tail.h"
#include "pipeline/stage1/sub_models.h"

namespace assay::pipeline {

struct Stage1Options {
  int subsets = 5;  // K
  AggregateRule aggregate;
  double expected_bank_share = 0.1;  // of the images, Aggregate::kExpected
  int64_t support_rank = 12;         // k of Aggregate::kSupport and of suspicious patches
  KeepRule keep;
  double false_share = 0.2;  // of what the automatic rule cuts may be normal (null_tail.h)
  int rounds = 1;
  // Memory banks: suspicious patches are left out of every image, and everything else of every image is used. Otherwise
  // images are kept or set aside whole.
  bool rescue_patches = false;
  ScoringRule scoring;
  uint64_t seed = 0;
  int64_t memory_budget = int64_t{1} << 30;    // bytes of the distance table that may lie in memory
  int64_t max_table_bytes = int64_t{4} << 30;  // with what lies in a file; above it sub-models are fitted instead
  std::string spill_folder;
};

// One entry per image, in the order of the source.
struct Stage1Result {
  int num_models = 0;              // K
  std::vector<int> subset;         // of the last round; -1: in none, as it was set aside before
  std::vector<double> scores;      // (N, K) of the last round
  std::vector<double> suspicion;   // (N)
  Selection selection;             // images that look normal
  NullTail tail;                   // of patches where they are rescued, of images otherwise; automatic rule only
  models::ExcludedCells excluded;  // cells that must not enter stage 2; every image set aside has an entry if rescued
  bool used_distance_table = false;
};

// Scores all images of the source and selects. An error for fewer images than subsets, for an aggregate or a rescue
// that needs a distance table where there is none, for a spill folder that cannot be written, when asked to stop.
Result<Stage1Result> run_stage1(const models::FeatureSource& features, const DetectorFactory& make_detector,
                                const Stage1Options& options, Progress* progress);

}  // namespace assay::pipeline
