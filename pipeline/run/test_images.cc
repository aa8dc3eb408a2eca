// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run/test_images.h"

#include <algorithm>
#include <utility>

#include "pipeline/evaluation/evaluate.h"
#include "pipeline/run/audit.h"

namespace assay::pipeline {
namespace {

constexpr char kScores[] = "scores.csv";
constexpr char kMetrics[] = "metrics.json";
constexpr char kHasScores[] = "has_scores";
constexpr char kHasMetrics[] = "has_metrics";

using Json = nlohmann::ordered_json;

// Files that cannot even be read are among the problems already.
int64_t num_new_problems(const std::vector<SkippedFile>& skipped, const std::vector<SkippedFile>& known) {
  return std::count_if(skipped.begin(), skipped.end(), [&](const SkippedFile& s) {
    return std::none_of(known.begin(), known.end(), [&](const SkippedFile& p) { return p.id == s.id; });
  });
}

}  // namespace

Status evaluate_test_images(const Model& model, RunState* run, Json* result) {
  if (run->data.test_files.empty()) return Status();
  run->clock.begin("scoring");
  const Result<Evaluation> evaluated =
      evaluate(model, run->data.test_files, run->data.opened, run->progress, run->options.placement, run->cache.get());
  if (!evaluated.ok()) return evaluated.status();
  const Evaluation& e = evaluated.value();
  for (const SkippedFile& s : e.skipped) run->progress->note("left out: " + s.id + ": " + s.reason);
  if (run->options.strict && !e.skipped.empty()) return Status::error(e.skipped[0].reason, " (--strict)");
  RunFolder& folder = *run->folder;
  folder.notes()["skipped_test"] = skipped_as_json(e.skipped);
  folder.notes()[kHasScores] = true;
  ASSAY_RETURN_IF_ERROR(folder.write(kScores, scores_csv(e.images)));
  (*result)["n_test"] = e.images.size();
  (*result)["n_skipped"] = (*result)["n_skipped"].get<int64_t>() + num_new_problems(e.skipped, run->problems);
  Json metrics = to_json(e.metrics);
  if (e.has_labels) {
    for (const auto& [defect, auroc] : auroc_by_defect(e.images)) metrics["image_auroc_by_defect"][defect] = auroc;
    folder.notes()[kHasMetrics] = true;
    ASSAY_RETURN_IF_ERROR(folder.write(kMetrics, printable(metrics)));
  }
  metrics.update(*result);
  *result = std::move(metrics);
  return Status();
}

bool test_results_are_whole(const RunFolder& folder) {
  return (!folder.notes().value(kHasScores, false) || folder.is_whole(kScores)) &&
         (!folder.notes().value(kHasMetrics, false) || folder.is_whole(kMetrics));
}

}  // namespace assay::pipeline
