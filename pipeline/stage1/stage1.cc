// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage1/stage1.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <utility>

#include "pipeline/stage1/bank_scores.h"
#include "pipeline/stage1/distance_table.h"
#include "pipeline/stage1/near_copies.h"
#include "pipeline/stage1/partition.h"
#include "pipeline/stage1/random_banks.h"
#include "pipeline/stage1/trajectory.h"

namespace assay::pipeline {
namespace {

// As published, whatever the scores of other aggregates are.
constexpr models::ImageScoreRule kOutOfBagScore = {models::ImageScoreRule::Kind::kTop, 0.005};

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
  Stage1(const models::FeatureSource& features, const DistanceTable* table, const DetectorFactory& make_detector,
         const Stage1Options& options, Progress* progress)
      : features_(features), table_(table), make_detector_(make_detector), options_(options), progress_(progress) {}

  Result<Stage1Result> run() {
    images_ = all_images(features_);
    if (features_.num_images() < options_.subsets) {
      return Status::error("--subsets=", options_.subsets, ": there are only ", features_.num_images(),
                           " usable training images, and each subset needs one");
    }
    if (table_ == nullptr && (needs_distance_table(options_.aggregate.aggregate) || options_.rescue_patches)) {
      const std::string wanted = options_.rescue_patches
                                     ? std::string("--rescue=patches")
                                     : std::string("--aggregate=") + aggregate_name(options_.aggregate.aggregate);
      return Status::error(wanted, ": needs a memory bank whose table of distances fits the memory limit");
    }
    if (needs_tracked_scores(options_.aggregate.aggregate) && !tracks_scores()) {
      return Status::error("--aggregate=", aggregate_name(options_.aggregate.aggregate),
                           ": needs a detector that trains, and --track-scores");
    }
    Stage1Result result;
    result.num_models = options_.subsets;
    result.selection.kept.assign(images_.size(), 1);
    for (int round = 0; round < options_.rounds; ++round) {
      const int64_t num_kept = std::count(result.selection.kept.begin(), result.selection.kept.end(), 1);
      if (num_kept < options_.subsets) break;
      ASSAY_RETURN_IF_ERROR(score(round, &result));
      select(&result);
    }
    return result;
  }

 private:
  bool tracks_scores() const {
    return table_ == nullptr && options_.track_every > 0 && make_detector_(options_.placement.first())->trains();
  }

  // Whether anything asks for the suspicion of single patches.
  bool judges_patches() const {
    return table_ != nullptr && (needs_distance_table(options_.aggregate.aggregate) || selects_by_patches());
  }
  bool selects_by_patches() const { return table_ != nullptr && (options_.keep.automatic || options_.rescue_patches); }

  Status score(int round, Stage1Result* result) {
    const uint64_t seed = options_.seed + static_cast<uint64_t>(round) * 1000003u;
    result->subset = partition_kept(result->selection.kept, options_.subsets, seed);
    if (table_) {
      progress_->begin("cross-model scores", 0);
      result->scores =
          cross_bank_scores(features_, images_, *table_, result->subset, options_.subsets, options_.scoring);
    } else {
      ASSAY_RETURN_IF_ERROR(score_by_sub_models(round, seed, result));
    }
    const Aggregate aggregate = options_.aggregate.aggregate;
    if (judges_patches()) {
      Result<PatchRule> rule = patch_rule(result->selection.kept, seed);
      if (!rule.ok()) return rule.status();
      patch_rule_ = std::move(rule).value();
    }
    if (needs_distance_table(aggregate)) {
      ScoringRule scoring = options_.scoring;
      if (aggregate == Aggregate::kOutOfBag) scoring.image_score = kOutOfBagScore;
      result->suspicion = scores_from_table(features_, images_, *table_, patch_rule_, scoring);
    } else {
      const bool is_area = needs_tracked_scores(aggregate);
      result->suspicion = aggregate_scores(is_area ? trajectory_areas(result->tracked) : result->scores, result->subset,
                                           options_.subsets, options_.aggregate);
    }
    progress_->end();
    return progress_->stop_requested() ? Status::error(kInterrupted) : Status();
  }

  // What a patch's suspicion is: the aggregate's own rule, of aggregates of sub-models' scores the support distance.
  Result<PatchRule> patch_rule(const std::vector<uint8_t>& in_bank, uint64_t seed) {
    switch (const Aggregate aggregate = options_.aggregate.aggregate) {
      case Aggregate::kExpected:
        return expected_held_out_minimum(in_bank, options_.expected_bank_share);
      case Aggregate::kBankEnsemble:
      case Aggregate::kOutOfBag: {
        const Over over = aggregate == Aggregate::kOutOfBag ? Over::kHeldOut : options_.aggregate.over;
        Result<PatchRule> rule = distance_to_banks(in_bank, random_banks_of(aggregate), over, seed);
        if (!rule.ok()) return Status::error("--aggregate=", aggregate_name(aggregate), ": ", rule.message());
        return rule;
      }
      default:
        // Once for all rounds: it is a pass over the table.
        if (near_copies_.empty()) near_copies_ = find_near_copies(*table_, options_.copy_share);
        return support_distance(in_bank, options_.support_rank, near_copies_);
    }
  }

  Status score_by_sub_models(int round, uint64_t seed, Stage1Result* result) {
    CrossModelOptions options;
    options.scoring = options_.scoring;
    options.seed = seed;
    options.placement = options_.placement;
    options.keep = options_.trainings;
    if (options_.rounds > 1) options.prefix = text("round_", round + 1, "_");
    options.track_every = options_.track_every;
    options.keeps_sub_models = options_.keeps_sub_models && make_detector_(options_.placement.first())->trains();
    try {
      CrossModelScores found =
          cross_model_scores(features_, images_, result->subset, options_.subsets, make_detector_, options, progress_);
      result->scores = std::move(found.scores);
      result->tracked = std::move(found.tracked);
      result->sub_models = std::move(found.sub_models);
    } catch (const models::Cancelled&) {
      return Status::error(kInterrupted);
    }
    return Status();
  }

  // Automatic, with a table: an image is set aside for its share of suspicious patches. Otherwise for its score.
  void select(Stage1Result* result) const {
    result->excluded.clear();
    if (!selects_by_patches()) {
      if (!options_.keep.automatic) {
        result->selection = select_kept(result->suspicion, options_.keep, 0);
        return;
      }
      // The threshold is one of these floats; the score it came from may be a little above it.
      const std::vector<float> scores(result->suspicion.begin(), result->suspicion.end());
      const bool is_centred = options_.aggregate.normalise == Normalise::kRobust && !result->scores.empty();
      result->tail =
          find_null_tail(scores, options_.false_share, is_centred ? BulkShape::kNormal : BulkShape::kLogNormal);
      result->selection = select_kept({scores.begin(), scores.end()}, options_.keep, result->tail.threshold);
      return;
    }
    const auto values = patch_values(*table_, patch_rule_);
    std::vector<float> all;
    for (const std::vector<float>& v : values) all.insert(all.end(), v.begin(), v.end());
    result->tail = find_null_tail(all, options_.false_share);
    const double threshold = result->tail.threshold;
    if (options_.keep.automatic) {
      result->suspicious_share.clear();
      for (const std::vector<float>& v : values) result->suspicious_share.push_back(share_above(v, threshold));
      result->selection = select_kept(result->suspicious_share, options_.keep, options_.doubtful_share);
    } else {
      result->selection = select_kept(result->suspicion, options_.keep, 0);
    }
    if (!options_.rescue_patches) return;
    for (size_t i = 0; i < values.size(); ++i) {
      if (result->selection.kept[i]) continue;
      std::vector<uint8_t>& cells = result->excluded[static_cast<int64_t>(i)];
      for (const float v : values[i]) cells.push_back(v > threshold);
    }
  }

  static double share_above(const std::vector<float>& values, double threshold) {
    const auto above = std::count_if(values.begin(), values.end(), [&](float v) { return v > threshold; });
    return static_cast<double>(above) / static_cast<double>(values.size());
  }

  const models::FeatureSource& features_;
  const DistanceTable* table_;
  const DetectorFactory& make_detector_;
  const Stage1Options& options_;
  Progress* progress_;
  std::vector<int64_t> images_;
  std::vector<std::vector<int64_t>> near_copies_;  // where there is a table
  PatchRule patch_rule_;                           // of the last round, where there is a table
};

}  // namespace

std::vector<int64_t> images_of_stage2(const Stage1Result& result) {
  std::vector<int64_t> images;
  for (int64_t i = 0; i < static_cast<int64_t>(result.selection.kept.size()); ++i) {
    if (result.selection.kept[i] || result.excluded.count(i) > 0) images.push_back(i);
  }
  return images;
}

std::vector<int64_t> most_suspicious_first(const Stage1Result& result) {
  std::vector<int64_t> order(result.suspicion.size());
  std::iota(order.begin(), order.end(), 0);
  const auto key = [&](int64_t i) {
    return std::pair(result.suspicious_share.empty() ? 0.0 : result.suspicious_share[i], result.suspicion[i]);
  };
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return key(a) > key(b); });
  return order;
}

Result<std::unique_ptr<DistanceTable>> make_distance_table(const models::FeatureSource& features,
                                                           const DetectorFactory& make_detector,
                                                           const Stage1Options& options, Progress* progress) {
  const std::unique_ptr<models::Detector> detector = make_detector(options.placement.first());
  const models::MemoryBankDetector* bank = detector->memory_bank();
  if (bank == nullptr) return std::unique_ptr<DistanceTable>();
  const std::vector<int64_t> images = all_images(features);
  if (DistanceTable::bytes_needed(features, images) > options.max_table_bytes) {
    progress->note("the table of distances exceeds the memory limit: sub-models are fitted instead");
    return std::unique_ptr<DistanceTable>();
  }
  const models::BankSpace space =
      models::BankSpace::fit(features, images, bank->space_options(), options.seed, {}, options.placement.first());
  return DistanceTable::compute(features, images, space, options.memory_budget, options.spill_folder, progress,
                                options.placement);
}

Result<Stage1Result> run_stage1(const models::FeatureSource& features, const DistanceTable* table,
                                const DetectorFactory& make_detector, const Stage1Options& options,
                                Progress* progress) {
  return Stage1(features, table, make_detector, options, progress).run();
}

}  // namespace assay::pipeline
