// SPDX-License-Identifier: Apache-2.0
// A run's middle: features, stage 1, stage 2, from the training images to a model.
#pragma once

#include <memory>

#include "kernels/base/status.h"
#include "pipeline/model/model.h"
#include "pipeline/run/run.h"
#include "pipeline/run/run_state.h"

namespace assay::pipeline {

// Writes stage1.csv (not for a single stage) and, where the extent is the whole, model.assay, and leaves what the
// result says about both in the note "training". Returns the model; null where only the images were to be purified.
Result<std::unique_ptr<Model>> train(RunExtent extent, RunState* run);

// Whether the files of an earlier call are whole.
bool training_is_whole(RunExtent extent, const RunState& run);

}  // namespace assay::pipeline
