// SPDX-License-Identifier: Apache-2.0
// Many images through a model, on the CPU's threads or in batches on GPUs.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "pipeline/devices/placement.h"
#include "pipeline/model/model.h"
#include "pipeline/run/progress.h"

namespace assay::pipeline {

// The model on each device of the placement, the first one being where it is already.
class ModelReplicas {
 public:
  static Result<ModelReplicas> make(const Model& model, const Placement& placement);

  const Model& on(size_t slot) const { return slot == 0 ? *first_ : *copies_[slot - 1]; }
  const Placement& placement() const { return placement_; }

 private:
  const Model* first_ = nullptr;
  std::vector<std::unique_ptr<Model>> copies_;
  Placement placement_;
};

// Loads image i scaled as the model wants it; nothing where it cannot be used. Called from several threads at once.
using LoadInput = std::function<Result<std::optional<Tensor>>(int64_t i)>;
// Takes what came out for image i. Called from several threads at once. An error ends the whole.
using TakeScore = std::function<Status(int64_t i, const ScoredImage& scored)>;

// Scores images 0 .. count - 1 and reports how many are done. Returns the first error, kInterrupted where progress asks
// to stop. Scores do not depend on the number of threads or devices.
Status score_images(const ModelReplicas& models, int64_t count, const LoadInput& load, const TakeScore& take,
                    Progress* progress);

}  // namespace assay::pipeline
