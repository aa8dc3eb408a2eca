// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage2/cross_fit.h"

#include <algorithm>
#include <mutex>

#include "kernels/base/parallel.h"
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
                                     const models::ExcludedCells& excluded, int folds,
                                     const DetectorFactory& make_detector, const ScoringRule& scoring, uint64_t seed,
                                     Progress* progress, const Placement& placement) {
  const int64_t count = static_cast<int64_t>(images.size());
  const int num_folds = static_cast<int>(std::min<int64_t>(folds, count));
  const std::vector<int> fold = partition_images(count, num_folds, seed);
  std::vector<double> scores(count);
  progress->begin("calibration", num_folds);
  std::mutex mutex;
  int64_t done = 0;
  const auto is_to_go_on = [&](int64_t more) {
    const std::lock_guard<std::mutex> lock(mutex);
    if (more > 0) progress->advance(done += more);
    return !progress->stop_requested();
  };
  const auto fit_and_score = [&](int f, Device device) {
    std::vector<int64_t> members, held_out, positions;
    for (int64_t i = 0; i < count; ++i) {
      (fold[i] == f ? held_out : members).push_back(images[i]);
      if (fold[i] == f) positions.push_back(i);
    }
    const std::unique_ptr<models::Detector> detector = make_detector(device);
    const auto keep_going = [&](double) { return is_to_go_on(0); };
    fit_detector(*detector, features, members, excluded, {models::Schedule::kFinal, seed, keep_going});
    const std::vector<double> own = score_images(*detector, features, held_out, scoring, placement.batch);
    for (size_t h = 0; h < positions.size(); ++h) scores[positions[h]] = own[h];
    if (!is_to_go_on(1)) throw models::Cancelled();
  };
  if (placement.on_cpu()) {
    // One after another: fitting and scoring use all threads by themselves.
    for (int f = 0; f < num_folds; ++f) fit_and_score(f, Device::cpu());
  } else {
    for_each_on_devices(placement, 1, num_folds,
                        [&](int64_t f, size_t slot) { fit_and_score(static_cast<int>(f), placement.devices[slot]); });
  }
  progress->end();
  return scores;
}

}  // namespace assay::pipeline
