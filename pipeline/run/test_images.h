// SPDX-License-Identifier: Apache-2.0
// A run's last step: its model on its test images.
#pragma once

#include <nlohmann/json.hpp>

#include "pipeline/model/model.h"
#include "pipeline/run/run_state.h"

namespace assay::pipeline {

// Writes scores.csv and, where labels are known, metrics.json. Metrics come before the members that *result has;
// n_test and n_skipped count the images. Nothing to do without test images.
Status evaluate_test_images(const Model& model, RunState* run, nlohmann::ordered_json* result);

// Whether the files of an earlier call are whole.
bool test_results_are_whole(const RunFolder& folder);

}  // namespace assay::pipeline
