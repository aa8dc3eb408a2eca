// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage1/sub_models.h"

#include <atomic>
#include <mutex>

#include "kernels/base/parallel.h"

namespace assay::pipeline {

double score_image(const models::Detector& detector, const models::FeatureGrid& grid, const ScoringRule& rule) {
  const Tensor map = models::anomaly_map(detector.score(grid), grid.image_height, grid.image_width, rule.sigma);
  return models::image_score(map, rule.image_score);
}

std::vector<double> cross_model_scores(const models::FeatureSource& features, const std::vector<int64_t>& images,
                                       const std::vector<int>& subset, int num_models,
                                       const DetectorFactory& make_detector, const ScoringRule& rule,
                                       models::Schedule schedule, uint64_t seed, Progress* progress) {
  ASSAY_CHECK(images.size() == subset.size(), "cross_model_scores: ", images.size(), " images, ", subset.size(),
              " subset numbers");
  const int64_t num_images = static_cast<int64_t>(images.size());
  std::vector<double> scores(num_images * num_models);
  std::mutex progress_mutex;
  int64_t done = 0;
  for (int k = 0; k < num_models; ++k) {
    std::vector<int64_t> members;
    for (int64_t i = 0; i < num_images; ++i) {
      if (subset[i] == k) members.push_back(images[i]);
    }
    ASSAY_CHECK(!members.empty(), "cross_model_scores: subset ", k, " is empty");
    const std::unique_ptr<models::Detector> sub_model = make_detector();
    const auto keep_going = [&](double) { return !progress->stop_requested(); };
    sub_model->fit(features, members, {schedule, seed + static_cast<uint64_t>(k), keep_going});
    std::atomic<bool> stop{false};
    parallel_for(num_images, 1, [&](int64_t i, int64_t) {
      if (stop) return;
      scores[i * num_models + k] = score_image(*sub_model, features.read(images[i]), rule);
      const std::lock_guard<std::mutex> lock(progress_mutex);
      progress->advance(++done);
      if (progress->stop_requested()) stop = true;
    });
    if (stop) throw models::Cancelled();
  }
  return scores;
}

}  // namespace assay::pipeline
