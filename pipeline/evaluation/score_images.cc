// SPDX-License-Identifier: Apache-2.0
#include "pipeline/evaluation/score_images.h"

#include <utility>

#include "pipeline/devices/image_batches.h"
#include "pipeline/run/for_each_file.h"

namespace assay::pipeline {
namespace {

Status score_on_gpus(const ModelReplicas& models, int64_t count, const LoadInput& load, const TakeScore& take,
                     Progress* progress) {
  const auto compute = [&](size_t slot, const std::vector<int64_t>& images, const Tensor& pixels) {
    const Tensor maps = models.on(slot).anomaly_maps(pixels);
    std::vector<FinishImage> finishers;
    for (size_t b = 0; b < images.size(); ++b) {
      const int64_t row = static_cast<int64_t>(b);
      finishers.push_back([&models, &take, i = images[b], map = maps.rows(row, row + 1)] {
        // A map of its own: whoever keeps one map should not keep those of a whole batch.
        const Tensor own = map.clone("maps").reshape({map.dim(1), map.dim(2)});
        return take(i, models.on(0).judge(own));
      });
    }
    return finishers;
  };
  const auto release = [&](size_t slot) { models.on(slot).release_workspaces(); };
  return run_in_batches(models.placement(), count, load, compute, release, progress);
}

}  // namespace

Result<ModelReplicas> ModelReplicas::make(const Model& model, const Placement& placement) {
  ASSAY_CHECK(model.device() == placement.first(), "ModelReplicas: the model lies on ", to_string(model.device()),
              ", the placement begins with ", to_string(placement.first()));
  ModelReplicas replicas;
  replicas.first_ = &model;
  replicas.placement_ = placement;
  for (size_t slot = 1; slot < placement.devices.size(); ++slot) {
    Result<std::unique_ptr<Model>> copy = model.copy_to(placement.devices[slot]);
    if (!copy.ok()) return copy.status();
    replicas.copies_.push_back(std::move(copy).value());
  }
  return replicas;
}

Status score_images(const ModelReplicas& models, int64_t count, const LoadInput& load, const TakeScore& take,
                    Progress* progress) {
  if (!models.placement().on_cpu()) return score_on_gpus(models, count, load, take, progress);
  return for_each_file(count, progress, [&](int64_t i) -> Status {
    const Result<std::optional<Tensor>> input = load(i);
    if (!input.ok()) return input.status();
    return input.value() ? take(i, models.on(0).score(*input.value())) : Status();
  });
}

}  // namespace assay::pipeline
