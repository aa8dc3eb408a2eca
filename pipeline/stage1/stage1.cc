// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage1/stage1.h"

#include <algorithm>
#include <memory>
#include <numeric>

#include "pipeline/stage1/bank_scores.h"
#include "pipeline/stage1/distance_table.h"
#include "pipeline/stage1/partition.h"

namespace assay::pipeline {
namespace {

std::vector<int64_t> all_images(const models::FeatureSource& features) {
  std::vector<int64_t> images(features.num_images());
  std::iota(images.begin(), images.end(), 0);
  return images;
}

// The cut of the images that are still kept; -1 for the others.
std::vector<int> partition_kept(const std::vector<uint8_t>& kept, int num_subsets, uint64_t seed) {
  std::vector<int64_t> members;
  for (size_t i = 0; i < kept.size(); ++i) {
    if (kept[i]) members.push_back(static_cast<int64_t>(i));
  }
  const std::vector<int> cut = partition_images(static_cast<int64_t>(members.size()), num_subsets, seed);
  std::vector<int> subset(kept.size(), -1);
  for (size_t m = 0; m < members.size(); ++m) subset[members[m]] = cut[m];
  return subset;
}

class Stage1 {
 public:
  Stage1(const models::FeatureSource& features, const DetectorFactory& make_detector, const Stage1Options& options,
         Progress* progress)
      : features_(features), make_detector_(make_detector), options_(options), progress_(progress) {}

  Result<Stage1Result> run() {
    images_ = all_images(features_);
    if (features_.num_images() < options_.subsets) {
      return Status::error("--subsets=", options_.subsets, ": there are only ", features_.num_images(),
                           " usable training images, and each subset needs one");
    }
    ASSAY_RETURN_IF_ERROR(make_table());
    if (options_.aggregate.aggregate == Aggregate::kExpected && !table_) {
      return Status::error("--aggregate=expected: needs a memory bank whose distance table fits the memory limit");
    }
    Stage1Result result;
    result.num_models = options_.subsets;
    result.used_distance_table = table_ != nullptr;
    result.selection.kept.assign(images_.size(), 1);
    for (int round = 0; round < options_.rounds; ++round) {
      const int64_t num_kept = std::count(result.selection.kept.begin(), result.selection.kept.end(), 1);
      if (num_kept < options_.subsets) break;
      ASSAY_RETURN_IF_ERROR(score(round, &result));
      result.selection = select_kept(result.suspicion, options_.keep);
    }
    return result;
  }

 private:
  Status make_table() {
    const std::unique_ptr<models::Detector> detector = make_detector_();
    models::MemoryBankDetector* bank = detector->memory_bank();
    if (bank == nullptr) return Status();
    if (DistanceTable::bytes_needed(features_, images_) > options_.max_table_bytes) {
      progress_->note("the distance table exceeds the memory limit: sub-models are fitted instead");
      return Status();
    }
    const models::BankSpace space = models::BankSpace::fit(features_, images_, bank->space_options(), options_.seed);
    Result<std::unique_ptr<DistanceTable>> table =
        DistanceTable::compute(features_, images_, space, options_.memory_budget, options_.spill_folder, progress_);
    if (!table.ok()) return table.status();
    table_ = std::move(table).value();
    return Status();
  }

  Status score(int round, Stage1Result* result) {
    const uint64_t seed = options_.seed + static_cast<uint64_t>(round) * 1000003u;
    result->subset = partition_kept(result->selection.kept, options_.subsets, seed);
    if (table_) {
      progress_->begin("cross-model scores", 0);
      result->scores =
          cross_bank_scores(features_, images_, *table_, result->subset, options_.subsets, options_.scoring);
    } else {
      progress_->begin("sub-models", static_cast<int64_t>(images_.size()) * options_.subsets);
      try {
        result->scores = cross_model_scores(features_, images_, result->subset, options_.subsets, make_detector_,
                                            options_.scoring, models::Schedule::kSubModel, seed, progress_);
      } catch (const models::Cancelled&) {
        return Status::error(kInterrupted);
      }
    }
    if (options_.aggregate.aggregate == Aggregate::kExpected) {
      result->suspicion = scores_from_table(
          features_, images_, *table_, expected_held_out_minimum(result->selection.kept, options_.expected_bank_share),
          options_.scoring);
    } else {
      result->suspicion = aggregate_scores(result->scores, result->subset, options_.subsets, options_.aggregate);
    }
    progress_->end();
    return progress_->stop_requested() ? Status::error(kInterrupted) : Status();
  }

  const models::FeatureSource& features_;
  const DetectorFactory& make_detector_;
  const Stage1Options& options_;
  Progress* progress_;
  std::vector<int64_t> images_;
  std::unique_ptr<DistanceTable> table_;
};

}  // namespace

Result<Stage1Result> run_stage1(const models::FeatureSource& features, const DetectorFactory& make_detector,
                                const Stage1Options& options, Progress* progress) {
  return Stage1(features, make_detector, options, progress).run();
}

}  // namespace assay::pipeline
