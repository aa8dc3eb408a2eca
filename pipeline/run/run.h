// SPDX-License-Identifier: Apache-2.0
// The whole job: from a data set to a purified set, a model, scores and metrics in one folder.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "pipeline/run/options.h"
#include "pipeline/run/progress.h"

namespace assay::pipeline {

inline constexpr char kModelFile[] = "model.assay";

enum class RunExtent {
  kPurify,  // stage 1 alone: stage1.csv
  kWhole,   // and stage 2, the scores of the test images, the metrics
};

// Runs, or continues, the run in the folder `out` (RunFolder). Files there: run.json, stage1.csv (not for a single
// stage), model.assay, scores.csv, metrics.json (where labels are known). Returns what --json prints: the metrics,
// n_train, n_kept, n_skipped, alpha, alpha_kept, alpha_estimated with its interval, threshold, stage1_auroc, seconds,
// peak_rss_bytes, phases. A member that the data cannot tell is null. Labels are read for the metrics and the audit
// figures alone.
Result<nlohmann::ordered_json> run(const RunOptions& options, const std::string& out, RunExtent extent,
                                   Progress* progress);

// Steps of all the trainings that a run takes, where its detectors train.
struct TrainingSteps {
  int64_t stage1 = 0;  // of sub-models, in all rounds
  int64_t stage2 = 0;  // of the final detector and those that its threshold needs
};
TrainingSteps training_steps(const RunOptions& options);

}  // namespace assay::pipeline
