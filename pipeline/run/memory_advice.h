// SPDX-License-Identifier: Apache-2.0
// What to do about a run that did not fit into memory.
#pragma once

#include <optional>
#include <string>

#include "engine/memory/usage.h"
#include "models/features/patch_features.h"
#include "pipeline/run/run_state.h"

namespace assay::pipeline {

// What the run's training will keep, from its first usable image; nothing where there is none.
std::optional<MemoryNeeds> needs_of_training(const RunState& run, const models::PatchFeatures& extractor);

// What follows the error's message, or nothing: on the host the --memory-limit that would have fitted.
// (Where a batch was too large for a GPU, pipeline/devices has said already which one fits.)
std::string memory_advice(const RunState& run, const OutOfMemory& shortage);

}  // namespace assay::pipeline
