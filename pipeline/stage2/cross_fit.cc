// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage2/cross_fit.h"

#include <algorithm>
#include <string>

#include "pipeline/stage1/partition.h"

namespace assay::pipeline {

void fit_detector(models::Detector& detector, const models::FeatureSource& features, const std::vector<int64_t>& images,
                  const models::ExcludedCells& excluded, const models::FitOptions& options) {
  if (excluded.empty()) {
    detector.fit(features, images, options);
    return;
  }
  models::MemoryBankDetector* bank = detector.memory_bank();
  ASSAY_CHECK(bank != nullptr, "fit_detector: only a memory bank can leave out cells of images");
  bank->fit_without(features, images, excluded, options);
}

std::vector<double> cross_fit_scores(const models::FeatureSource& features, const std::vector<int64_t>& images,
                                     const models::ExcludedCells& excluded, const DetectorFactory& make_detector,
                                     const CrossFitOptions& options, Progress* progress) {
  const int64_t count = static_cast<int64_t>(images.size());
  const int num_folds = static_cast<int>(std::min<int64_t>(options.folds, count));
  const std::vector<int> fold = partition_images(count, num_folds, options.seed);
  const Placement& placement = options.placement;
  const int64_t steps = make_detector(placement.first())->training_steps(models::Schedule::kFinal);
  SharedProgress shared(progress, steps > 0 ? "training for calibration" : "calibration",
                        steps > 0 ? num_folds * steps : num_folds);
  const auto name_of = [](int64_t f) { return "fold_" + std::to_string(f + 1); };
  for (int64_t f = 0; options.keep.log && steps > 0 && f < num_folds; ++f) options.keep.log->declare(name_of(f));
  std::vector<double> scores(count);
  const auto fit_and_score = [&](int64_t f, Device device) {
    std::vector<int64_t> members, held_out, positions;
    for (int64_t i = 0; i < count; ++i) {
      (fold[i] == f ? held_out : members).push_back(images[i]);
      if (fold[i] == f) positions.push_back(i);
    }
    FitTask task;
    task.name = name_of(f);
    task.make = [&] { return make_detector(device); };
    task.seed = options.seed;
    task.fit = [&](models::Detector& detector, const models::FitOptions& how) {
      fit_detector(detector, features, members, excluded, how);
    };
    task.score = [&](const models::Detector& detector) {
      return score_images(detector, features, held_out, options.scoring, placement.batch,
                          [&](int64_t) { return shared.advance(0); });
    };
    task.num_scores = static_cast<int64_t>(held_out.size());
    task.keeps_detector = false;
    const Fitted fitted = fit_resumably(task, options.keep, &shared);
    for (size_t h = 0; h < positions.size(); ++h) scores[positions[h]] = fitted.scores[h];
    if (!shared.advance(steps > 0 ? 0 : 1)) throw models::Cancelled();
  };
  if (placement.on_cpu()) {
    // One after another: fitting and scoring use all threads by themselves.
    for (int f = 0; f < num_folds; ++f) fit_and_score(f, Device::cpu());
  } else {
    for_each_on_devices(placement, 1, num_folds,
                        [&](int64_t f, size_t slot) { fit_and_score(f, placement.devices[slot]); });
  }
  progress->end();
  return scores;
}

}  // namespace assay::pipeline
