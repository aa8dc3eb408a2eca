// SPDX-License-Identifier: Apache-2.0
// From the scores of every image under every sub-model to one score of suspicion per image.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/base/status.h"

namespace assay::pipeline {

enum class Aggregate {
  kMean,          // arXiv 2508.07441, eq. 5
  kMax,           // the most suspicious verdict
  kMaxVar,        // max times variance, as in the published code
  kMedian,        // of an even count the mean of the middle two
  kTrimmed,       // mean without the lowest and the highest; the mean where there are fewer than three
  kExpected,      // memory banks only: exact mean over all partitions (pipeline/stage1/expected_minimum.h)
  kSupport,       // memory banks only: distance to the k-th nearest other image (pipeline/stage1/bank_scores.h)
  kBankEnsemble,  // memory banks only: mean over many sparse random banks (random_banks.h)
  kOutOfBag,      // memory banks only: median over the random banks that do not hold the image (random_banks.h)
  kTrajectory,    // detectors that train only: the mean, of scores while sub-models were trained (trajectory.h)
};
enum class Over {
  kAll,      // every sub-model, also the one that was fitted to the image (paper)
  kHeldOut,  // only sub-models that have not seen the image
};
enum class Normalise {
  kNone,
  kRobust,  // (s - median_k) / MAD_k over the images that count under `Over`; a MAD of zero leaves the scale as it is
};

struct AggregateRule {
  Aggregate aggregate = Aggregate::kMean;
  Over over = Over::kHeldOut;
  Normalise normalise = Normalise::kNone;
};

// True for aggregates that are read off the distance table of a memory bank.
bool needs_distance_table(Aggregate aggregate);

// True for aggregates of scores that are tracked during training.
bool needs_tracked_scores(Aggregate aggregate);

// "mean", "held_out", "robust" and so on; an unknown name is an error that lists the known ones.
Result<Aggregate> aggregate_from_name(const std::string& name);
const char* aggregate_name(Aggregate aggregate);
const char* over_name(Over over);
const char* normalise_name(Normalise normalise);

// scores: (N, K) row-major, finite; of kTrajectory the areas. subset: (N), the sub-model each image was used to fit.
// Returns (N); higher is more suspicious. Aggregates that need the distance table do not come from sub-models; they are
// the caller's fault here (assay::Error).
std::vector<double> aggregate_scores(const std::vector<double>& scores, const std::vector<int>& subset, int num_models,
                                     const AggregateRule& rule);

}  // namespace assay::pipeline
