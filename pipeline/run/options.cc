// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run/options.h"

namespace assay::pipeline {

std::string first_detector(const RunOptions& options) {
  if (!options.stage1_detector.empty()) return options.stage1_detector;
  const bool needs_own =
      options.ensemble || options.track_scores > 0 || needs_tracked_scores(options.aggregate.aggregate);
  const auto last = models::make_detector(options.detector, options.detector_options);
  const bool trains = last.ok() && last.value()->trains();
  return trains && !needs_own ? "patchcore" : options.detector;
}

nlohmann::ordered_json configuration(const RunOptions& o) {
  nlohmann::ordered_json c;
  c["data"] = o.data;
  c["root"] = o.dataset.root;
  c["kind"] = dataset::to_string(o.dataset.kind);
  c["category"] = o.dataset.category;
  if (o.injection) {
    c["injection"] = {{"alpha", o.injection->alpha},
                      {"alpha_of", to_string(o.injection->alpha_of)},
                      {"overlap", to_string(o.injection->overlap)},
                      {"up_to", o.injection->up_to},
                      {"seed", o.injection->seed}};
  }
  if (o.clean_by_labels) c["clean_by_labels"] = true;
  c["features"] = to_json(o.features);
  c["sigma"] = o.scoring.sigma;
  c["image_score"] = o.scoring.image_score.name();
  c["detector"] = o.detector;
  c["stage1_detector"] = first_detector(o);
  const models::PatchcoreOptions& bank = o.detector_options.patchcore;
  c["selector"] = models::selector_name(bank.selector);
  c["coreset_ratio"] = bank.coreset_ratio;
  c["reference_share"] = bank.space.reference_share;
  c["bank_width"] = bank.space.width;
  c["whiten"] = bank.space.whiten;
  const models::SoftpatchOptions& soft = o.detector_options.softpatch;
  c["discriminator"] = models::discriminator_name(soft.discriminator);
  c["lof_neighbours"] = soft.neighbours;
  c["noise_share"] = soft.noise_share;
  const models::DinomalyOptions& trained = o.detector_options.dinomaly;
  c["recipe"] = trained.recipe == models::DinomalyOptions::Recipe::kDinomaly ? "dinomaly" : "llbnad";
  c["iterations"] = trained.iterations;
  c["sub_model_share"] = trained.sub_model_share;
  c["rd_iterations"] = o.detector_options.rd.iterations;
  c["single_stage"] = o.single_stage;
  c["subsets"] = o.subsets;
  c["aggregate"] = aggregate_name(o.aggregate.aggregate);
  c["over"] = over_name(o.aggregate.over);
  c["normalise"] = normalise_name(o.aggregate.normalise);
  c["expected_bank_share"] = o.expected_bank_share;
  c["support_rank"] = o.support_rank;
  c["copy_share"] = o.copy_share;
  c["false_share"] = o.false_share;
  c["doubtful_share"] = o.doubtful_share;
  c["keep"] = o.keep.name();
  c["rounds"] = o.rounds;
  c["rescue"] = o.rescue == Rescue::kNone ? "none" : "patches";
  c["track_scores"] = o.track_scores;
  c["ensemble"] = o.ensemble;
  c["false_alarm_rate"] = o.false_alarm_rate;
  c["seed"] = o.seed;
  c["strict"] = o.strict;
  return c;
}

}  // namespace assay::pipeline
