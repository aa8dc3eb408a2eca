// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage1/sub_models.h"

#include <atomic>
#include <map>
#include <mutex>
#include <utility>

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
    const Tensor maps = models::anomaly_map(detector.score(grid), grid.image_height, grid.image_width, rule.sigma);
    return maps.reshape({grid.batch, grid.image_height, grid.image_width}).to(Device::cpu(), "maps");
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

std::vector<std::vector<int64_t>> members_of(const std::vector<int64_t>& images, const std::vector<int>& subset,
                                             int num_models) {
  ASSAY_CHECK(images.size() == subset.size(), "cross_model_scores: ", images.size(), " images, ", subset.size(),
              " subset numbers");
  std::vector<std::vector<int64_t>> members(num_models);
  for (size_t i = 0; i < images.size(); ++i) {
    if (subset[i] >= 0) members.at(subset[i]).push_back(images[i]);
  }
  for (int k = 0; k < num_models; ++k) {
    ASSAY_CHECK(!members[k].empty(), "cross_model_scores: subset ", k, " is empty");
  }
  return members;
}

// The detector, or one like it on the device.
std::shared_ptr<models::Detector> on_device(std::shared_ptr<models::Detector> detector, Device device,
                                            const DetectorFactory& make_detector) {
  if (detector->device() == device) return detector;
  std::map<std::string, Tensor> tensors;
  const nlohmann::json state = detector->save(&tensors);
  std::shared_ptr<models::Detector> copy = make_detector(device);
  const Status loaded = copy->load(state, tensors);
  ASSAY_CHECK(loaded.ok(), loaded.message());
  return copy;
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

CrossModelScores cross_model_scores(const models::FeatureSource& features, const std::vector<int64_t>& images,
                                    const std::vector<int>& subset, int num_models,
                                    const DetectorFactory& make_detector, const CrossModelOptions& options,
                                    Progress* progress) {
  const std::vector<std::vector<int64_t>> members = members_of(images, subset, num_models);
  const Placement& placement = options.placement;
  const size_t num_images = images.size();
  const int64_t steps = make_detector(placement.first())->training_steps(options.schedule);
  // Where sub-models train, all else takes little of the time.
  SharedProgress shared(progress, steps > 0 ? "training sub-models" : "sub-models",
                        (steps > 0 ? steps : static_cast<int64_t>(num_images)) * num_models);
  CrossModelScores result;
  result.scores.resize(num_images * static_cast<size_t>(num_models));
  if (options.keeps_sub_models) result.sub_models.resize(num_models);
  if (options.track_every > 0 && steps > 0) result.tracked.resize(num_models);
  const auto name_of = [&](int64_t k) { return options.prefix + "sub_model_" + std::to_string(k + 1); };
  for (int64_t k = 0; options.keep.log && steps > 0 && k < num_models; ++k) options.keep.log->declare(name_of(k));
  const auto fit_and_score = [&](int64_t k, Device device) {
    FitTask task;
    task.name = name_of(k);
    task.make = [&] { return make_detector(device); };
    task.schedule = options.schedule;
    task.seed = options.seed + static_cast<uint64_t>(k);
    task.fit = [&](models::Detector& sub_model, const models::FitOptions& how) {
      sub_model.fit(features, members[k], how);
    };
    task.score = [&](const models::Detector& sub_model) {
      return score_images(sub_model, features, images, options.scoring, placement.batch,
                          [&](int64_t more) { return shared.advance(steps > 0 ? 0 : more); });
    };
    task.num_scores = static_cast<int64_t>(num_images);
    task.track_every = steps > 0 ? options.track_every : 0;
    task.keeps_detector = options.keeps_sub_models;
    Fitted fitted = fit_resumably(task, options.keep, &shared);
    for (size_t i = 0; i < num_images; ++i) result.scores[i * num_models + k] = fitted.scores[i];
    if (!result.tracked.empty()) result.tracked[k] = std::move(fitted.tracked);
    if (options.keeps_sub_models) result.sub_models[k] = std::move(fitted.detector);
  };
  if (placement.on_cpu()) {
    // One after another: fitting and scoring use all threads by themselves.
    for (int k = 0; k < num_models; ++k) fit_and_score(k, Device::cpu());
  } else {
    for_each_on_devices(placement, 1, num_models,
                        [&](int64_t k, size_t slot) { fit_and_score(k, placement.devices[slot]); });
  }
  for (std::shared_ptr<models::Detector>& sub_model : result.sub_models) {
    sub_model = on_device(std::move(sub_model), placement.first(), make_detector);
  }
  return result;
}

}  // namespace assay::pipeline
