// SPDX-License-Identifier: Apache-2.0
#include "pipeline/evaluation/evaluate.h"

#include <cstdio>
#include <optional>
#include <utility>

#include "engine/ops/resize.h"
#include "pipeline/data/image.h"
#include "pipeline/dataset/csv.h"
#include "pipeline/evaluation/score_images.h"
#include "pipeline/run/for_each_file.h"

namespace assay::pipeline {
namespace {

// One image's share of the pixel metrics.
struct PixelTruth {
  Tensor map;
  Tensor mask;  // no elements: the image has no defect
  bool counts = false;
};

Result<PixelTruth> pixel_truth(const Tensor& map, const dataset::Truth& truth, const dataset::Dataset& dataset) {
  PixelTruth result;
  if (truth.label < 0 || (truth.label == 1 && truth.mask.empty())) return result;
  result.counts = true;
  result.map = map;
  if (truth.label == 1) {
    const Result<data::Mask> mask = data::read_mask(dataset.path_of(truth.mask));
    if (!mask.ok()) return mask.status();
    result.mask = ops::nearest_resize(mask.value().pixels, map.dim(0), map.dim(1));
  }
  return result;
}

Metrics metrics_of(const std::vector<ImageResult>& images, const std::vector<PixelTruth>& pixels) {
  std::vector<float> scores;
  std::vector<uint8_t> labels;
  for (const ImageResult& image : images) {
    if (image.label < 0) continue;
    scores.push_back(static_cast<float>(image.score));
    labels.push_back(static_cast<uint8_t>(image.label));
  }
  std::vector<PixelView> views;
  for (const PixelTruth& p : pixels) {
    if (!p.counts) continue;
    const uint8_t* mask = p.mask.size() > 0 ? p.mask.data<uint8_t>() : nullptr;
    views.push_back({p.map.data<float>(), mask, p.map.dim(0), p.map.dim(1)});
  }
  return compute_metrics(scores, labels, views);
}

}  // namespace

Result<Evaluation> evaluate(const Model& model, const std::vector<ImageFile>& files, const dataset::Opened& data,
                            Progress* progress, const Placement& placement, const FeatureCache* cache) {
  const int64_t count = static_cast<int64_t>(files.size());
  std::vector<ImageResult> images(count);
  std::vector<PixelTruth> pixels(count);
  std::vector<std::string> problems(count);
  std::vector<std::string> mask_problems(count);
  progress->begin("scoring", count);
  const auto load = [&](int64_t i) -> Result<std::optional<Tensor>> {
    Result<Tensor> input = load_input(files[i].path, model.recipe().input_size);
    if (input.ok()) return std::optional<Tensor>(std::move(input).value());
    problems[i] = input.message();
    return std::optional<Tensor>();
  };
  const auto take = [&](int64_t i, const ScoredImage& scored) {
    const dataset::Truth& t = data.truth.of(files[i].id);
    images[i] = {files[i].id, scored.score, scored.anomalous, t.label, t.defect};
    Result<PixelTruth> p = pixel_truth(scored.map, t, data.dataset);
    if (p.ok()) {
      pixels[i] = std::move(p).value();
    } else {
      mask_problems[i] = p.message();
    }
    return Status();
  };
  if (cache != nullptr && placement.on_cpu()) {
    ASSAY_RETURN_IF_ERROR(for_each_file(count, progress, [&](int64_t i) -> Status {
      const Result<models::FeatureGrid> grid =
          features_of(files[i].path, model.features(), model.recipe().input_size, *cache);
      if (grid.ok()) return take(i, model.score(grid.value()));
      problems[i] = grid.message();
      return Status();
    }));
  } else {
    const Result<ModelReplicas> replicas = ModelReplicas::make(model, placement);
    if (!replicas.ok()) return replicas.status();
    ASSAY_RETURN_IF_ERROR(score_images(replicas.value(), count, load, take, progress));
  }
  progress->end();
  Evaluation result;
  std::vector<PixelTruth> kept_pixels;
  for (int64_t i = 0; i < count; ++i) {
    if (!mask_problems[i].empty()) progress->note("no pixel metrics for an image: " + mask_problems[i]);
    if (!problems[i].empty()) {
      result.skipped.push_back({files[i].id, problems[i]});
      continue;
    }
    result.has_labels = result.has_labels || images[i].label >= 0;
    result.images.push_back(images[i]);
    kept_pixels.push_back(std::move(pixels[i]));
  }
  if (result.has_labels) {
    progress->begin("metrics", 0);
    result.metrics = metrics_of(result.images, kept_pixels);
    progress->end();
  }
  return result;
}

std::string scores_csv(const std::vector<ImageResult>& images) {
  std::string csv = "path,score,anomalous,label\n";
  for (const ImageResult& image : images) {
    char numbers[64];
    std::snprintf(numbers, sizeof numbers, ",%.9g,%d,", image.score, image.anomalous ? 1 : 0);
    csv += dataset::csv_field(image.id) + numbers + (image.label < 0 ? "" : std::to_string(image.label)) + "\n";
  }
  return csv;
}

}  // namespace assay::pipeline
