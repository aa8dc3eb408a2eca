// SPDX-License-Identifier: Apache-2.0
// What the steps of one run share.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/features/feature_cache.h"
#include "pipeline/run/memory_needs.h"
#include "pipeline/run/options.h"
#include "pipeline/run/phase_clock.h"
#include "pipeline/run/progress.h"
#include "pipeline/run/run.h"
#include "pipeline/run/run_folder.h"
#include "pipeline/run/scan.h"

namespace assay::pipeline {

inline constexpr char kStage1File[] = "stage1.csv";
inline constexpr char kTrackedFile[] = "stage1_scores.csv";

struct RunState {
  const RunOptions& options;
  Progress* progress;
  PhaseClock clock;
  ScannedData data;
  std::optional<MemoryNeeds> needs;   // of the training, once they are known
  std::vector<SkippedFile> problems;  // files left out so far
  std::unique_ptr<RunFolder> folder;
  std::unique_ptr<FeatureCache> cache;  // that the user asked for; null: none
};

// Files that cannot be used, as run.json lists them.
nlohmann::ordered_json skipped_as_json(const std::vector<SkippedFile>& skipped);

// Text of a JSON file. Names in it need not be UTF-8.
std::string printable(const nlohmann::ordered_json& json);

}  // namespace assay::pipeline
