// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage2/cross_fit.h"

#include <algorithm>

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
                                     Progress* progress) {
  const int64_t count = static_cast<int64_t>(images.size());
  const int num_folds = static_cast<int>(std::min<int64_t>(folds, count));
  const std::vector<int> fold = partition_images(count, num_folds, seed);
  std::vector<double> scores(count);
  progress->begin("calibration", num_folds);
  for (int f = 0; f < num_folds; ++f) {
    std::vector<int64_t> members;
    std::vector<int64_t> held_out;
    for (int64_t i = 0; i < count; ++i) {
      if (fold[i] == f) {
        held_out.push_back(i);
      } else {
        members.push_back(images[i]);
      }
    }
    const std::unique_ptr<models::Detector> detector = make_detector();
    const auto keep_going = [&](double) { return !progress->stop_requested(); };
    fit_detector(*detector, features, members, excluded, {models::Schedule::kFinal, seed, keep_going});
    parallel_for(static_cast<int64_t>(held_out.size()), 1, [&](int64_t h, int64_t) {
      scores[held_out[h]] = score_image(*detector, features.read(images[held_out[h]]), scoring);
    });
    progress->advance(f + 1);
    if (progress->stop_requested()) throw models::Cancelled();
  }
  progress->end();
  return scores;
}

}  // namespace assay::pipeline
