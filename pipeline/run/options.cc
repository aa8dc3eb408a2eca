// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run/options.h"

namespace assay::pipeline {

nlohmann::ordered_json configuration(const RunOptions& o) {
  nlohmann::ordered_json c;
  c["data"] = o.data;
  c["root"] = o.dataset.root;
  c["kind"] = dataset::to_string(o.dataset.kind);
  c["category"] = o.dataset.category;
  c["features"] = to_json(o.features);
  c["sigma"] = o.scoring.sigma;
  c["image_score"] = o.scoring.image_score.name();
  c["detector"] = o.detector;
  c["stage1_detector"] = o.stage1_detector.empty() ? o.detector : o.stage1_detector;
  const models::PatchcoreOptions& bank = o.detector_options.patchcore;
  c["selector"] = bank.selector == models::PatchcoreOptions::Selector::kRandom ? "random" : "greedy";
  c["coreset_ratio"] = bank.coreset_ratio;
  c["reference_share"] = bank.space.reference_share;
  c["bank_width"] = bank.space.width;
  c["whiten"] = bank.space.whiten;
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
