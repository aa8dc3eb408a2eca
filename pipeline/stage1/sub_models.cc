// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage1/sub_models.h"

#include <atomic>
#include <mutex>

#include "engine/memory/usage.h"
#include "kernels/base/parallel.h"
#include "pipeline/devices/batch_advice.h"

namespace assay::pipeline {

namespace {

// Scores under a GPU's detector: a batch is projected, searched and drawn at once, its maps are judged by the CPU.
std::vector<double> score_in_batches(const models::Detector& detector, const models::FeatureSource& features,
                                     const std::vector<int64_t>& images, const ScoringRule& rule, int64_t batch,
                                     const std::function<bool(int64_t)>& keep_going) {
  std::vector<double> scores(images.size());
  const auto maps_of = [&](const std::vector<int64_t>& positions) {
    const models::FeatureGrid grid = features.read_batch(models::images_at(images, positions), detector.device());
    const Tensor values = detector.score(grid).reshape({grid.batch, grid.height, grid.width});
    return models::anomaly_map(values, grid.image_height, grid.image_width, rule.sigma).to(Device::cpu(), "maps");
  };
  for (const std::vector<int64_t>& positions : models::batches_of_one_size(features, images, batch)) {
    const int64_t size = static_cast<int64_t>(positions.size());
    Tensor maps;
    try {
      maps = maps_of(positions);
    } catch (const OutOfMemory& shortage) {
      throw_with_advice(shortage, size, 1, [&](int64_t n) {
        (void)maps_of({positions.begin(), positions.begin() + n});
      });
    }
    parallel_for(size, 1, [&](int64_t b, int64_t) {
      scores[positions[b]] = models::image_score(maps.rows(b, b + 1), rule.image_score);
    });
    if (keep_going && !keep_going(size)) break;
  }
  return scores;
}

}  // namespace

double score_image(const models::Detector& detector, const models::FeatureGrid& grid, const ScoringRule& rule) {
  const Tensor map = models::anomaly_map(detector.score(grid), grid.image_height, grid.image_width, rule.sigma);
  return models::image_score(map.to(Device::cpu(), "maps"), rule.image_score);
}

std::vector<double> score_images(const models::Detector& detector, const models::FeatureSource& features,
                                 const std::vector<int64_t>& images, const ScoringRule& rule, int64_t batch,
                                 const std::function<bool(int64_t)>& keep_going) {
  if (!detector.device().is_cpu()) return score_in_batches(detector, features, images, rule, batch, keep_going);
  std::vector<double> scores(images.size());
  std::mutex mutex;
  std::atomic<bool> stop{false};
  parallel_for(static_cast<int64_t>(images.size()), 1, [&](int64_t i, int64_t) {
    if (stop) return;
    scores[i] = score_image(detector, features.read(images[i]), rule);
    if (!keep_going) return;
    const std::lock_guard<std::mutex> lock(mutex);
    if (!keep_going(1)) stop = true;
  });
  return scores;
}

std::vector<double> cross_model_scores(const models::FeatureSource& features, const std::vector<int64_t>& images,
                                       const std::vector<int>& subset, int num_models,
                                       const DetectorFactory& make_detector, const ScoringRule& rule,
                                       models::Schedule schedule, uint64_t seed, Progress* progress,
                                       const Placement& placement) {
  ASSAY_CHECK(images.size() == subset.size(), "cross_model_scores: ", images.size(), " images, ", subset.size(),
              " subset numbers");
  const int64_t num_images = static_cast<int64_t>(images.size());
  std::vector<std::vector<int64_t>> members(num_models);
  for (int64_t i = 0; i < num_images; ++i) {
    if (subset[i] >= 0) members.at(subset[i]).push_back(images[i]);
  }
  for (int k = 0; k < num_models; ++k) {
    ASSAY_CHECK(!members[k].empty(), "cross_model_scores: subset ", k, " is empty");
  }
  std::vector<double> scores(num_images * num_models);
  std::mutex progress_mutex;
  int64_t done = 0;
  std::atomic<bool> stop{false};
  const auto keep_going = [&](int64_t more) {
    const std::lock_guard<std::mutex> lock(progress_mutex);
    if (more > 0) progress->advance(done += more);
    if (progress->stop_requested()) stop = true;
    return !stop;
  };
  const auto fit_and_score = [&](int k, Device device) {
    if (stop) throw models::Cancelled();
    const std::unique_ptr<models::Detector> sub_model = make_detector(device);
    sub_model->fit(features, members[k],
                   {schedule, seed + static_cast<uint64_t>(k), [&](double) { return keep_going(0); }});
    const std::vector<double> own = score_images(*sub_model, features, images, rule, placement.batch,
                                                 [&](int64_t more) { return keep_going(more); });
    if (stop) throw models::Cancelled();
    for (int64_t i = 0; i < num_images; ++i) scores[i * num_models + k] = own[i];
  };
  if (placement.on_cpu()) {
    // One after another: fitting and scoring use all threads by themselves.
    for (int k = 0; k < num_models; ++k) fit_and_score(k, Device::cpu());
  } else {
    for_each_on_devices(placement, 1, num_models,
                        [&](int64_t k, size_t slot) { fit_and_score(static_cast<int>(k), placement.devices[slot]); });
  }
  return scores;
}

}  // namespace assay::pipeline
