// SPDX-License-Identifier: Apache-2.0
#include "pipeline/features/image_features.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <utility>

#include "engine/ops/convert_float16.h"
#include "engine/ops/resize.h"
#include "pipeline/data/file.h"
#include "pipeline/data/image.h"
#include "pipeline/data/sha256.h"
#include "pipeline/devices/image_batches.h"
#include "pipeline/run/for_each_file.h"

namespace assay::pipeline {
namespace {

Result<Tensor> scale_to_input(const Result<data::Image>& image, const models::InputSizeRule& rule) {
  if (!image.ok()) return image.status();
  const models::InputSize size = models::input_size(image.value().width(), image.value().height(), rule);
  return ops::antialias_resize(image.value().pixels, size.height, size.width);
}

void record_skipped(const ImageContent& image, const std::string& reason, std::vector<SkippedFile>* skipped) {
  for (const std::string& id : image.ids) skipped->push_back({id, reason});
}

}  // namespace

Result<HashedFiles> hash_files(const std::vector<ImageFile>& files, Progress* progress) {
  const int64_t count = static_cast<int64_t>(files.size());
  std::vector<std::string> digests(count);
  std::vector<std::string> problems(count);
  progress->begin("reading files", count);
  ASSAY_RETURN_IF_ERROR(for_each_file(count, progress, [&](int64_t i) {
    Result<std::string> digest = data::sha256_file(files[i].path);
    (digest.ok() ? digests[i] : problems[i]) = digest.ok() ? digest.value() : digest.message();
    return Status();
  }));
  progress->end();
  HashedFiles result;
  std::map<std::string, ImageContent> by_digest;
  for (int64_t i = 0; i < count; ++i) {
    if (!problems[i].empty()) {
      result.skipped.push_back({files[i].id, problems[i]});
      continue;
    }
    ImageContent& image = by_digest[digests[i]];
    image.sha256 = digests[i];
    image.ids.push_back(files[i].id);
    if (image.path.empty() || files[i].id < *std::min_element(image.ids.begin(), image.ids.end() - 1)) {
      image.path = files[i].path;
    }
  }
  for (auto& [digest, image] : by_digest) {
    std::sort(image.ids.begin(), image.ids.end());
    result.images.push_back(std::move(image));
  }
  std::sort(result.skipped.begin(), result.skipped.end(),
            [](const SkippedFile& a, const SkippedFile& b) { return a.id < b.id; });
  return result;
}

Result<Tensor> load_input(const std::string& path, const models::InputSizeRule& rule) {
  return scale_to_input(data::read_image(path), rule);
}

// What the ways of computing share: images in, shapes and stored features out.
class ImageFeatures::Computation {
 public:
  Computation(const std::vector<ImageContent>& images, int64_t width, const FeatureOptions& options)
      : images_(images), options_(options), shapes_(images.size()), problems_(images.size()) {
    features_.reset(new ImageFeatures);
    features_->width_ = width;
    features_->store_ = std::make_unique<SpillStore>(count(), options.memory_budget, options.spill_folder, kMemoryTag);
  }

  int64_t count() const { return static_cast<int64_t>(images_.size()); }

  // The backbone's input; nothing, and a problem on record, where the image cannot be used.
  Result<std::optional<Tensor>> load(int64_t i) {
    const ImageContent& image = images_[i];
    Result<std::vector<uint8_t>> bytes = data::read_file(image.path, data::ImageLimits().max_file_bytes);
    if (!bytes.ok()) {
      problems_[i] = bytes.message();
      return std::optional<Tensor>();
    }
    if (data::sha256(bytes.value()) != image.sha256) {
      return Status::error(image.path, ": the file has changed while it was in use");
    }
    Result<Tensor> input = scale_to_input(data::decode_image(bytes.value(), image.path), options_.input_size);
    if (!input.ok()) {
      problems_[i] = input.message();
      return std::optional<Tensor>();
    }
    return std::optional<Tensor>(std::move(input).value());
  }

  // `shape` is the grid without its rows.
  Status store(int64_t i, const models::FeatureGrid& shape, const Tensor& half_rows) {
    shapes_[i] = shape;
    return features_->store_->put(i, half_rows);
  }

  std::unique_ptr<ImageFeatures> finish() && {
    for (int64_t i = 0; i < count(); ++i) {
      if (!problems_[i].empty()) {
        record_skipped(images_[i], problems_[i], &features_->skipped_);
        continue;
      }
      features_->images_.push_back(images_[i]);
      features_->shapes_.push_back(shapes_[i]);
      features_->keys_.push_back(i);
    }
    std::sort(features_->skipped_.begin(), features_->skipped_.end(),
              [](const SkippedFile& a, const SkippedFile& b) { return a.id < b.id; });
    return std::move(features_);
  }

 private:
  const std::vector<ImageContent>& images_;
  const FeatureOptions& options_;
  std::vector<models::FeatureGrid> shapes_;
  std::vector<std::string> problems_;
  std::unique_ptr<ImageFeatures> features_;
};

Result<std::unique_ptr<ImageFeatures>> ImageFeatures::compute(const std::vector<ImageContent>& images,
                                                              const models::PatchFeatures& extractor,
                                                              const FeatureOptions& options, Progress* progress) {
  Computation computation(images, extractor.width(), options);
  progress->begin("features", computation.count());
  ASSAY_RETURN_IF_ERROR(for_each_file(computation.count(), progress, [&](int64_t i) -> Status {
    const Result<std::optional<Tensor>> input = computation.load(i);
    if (!input.ok()) return input.status();
    if (!input.value()) return Status();
    models::FeatureGrid grid = extractor.extract(*input.value());
    const Tensor rows = std::exchange(grid.rows, Tensor());
    return computation.store(i, grid, ops::to_float16(rows, kMemoryTag));
  }));
  progress->end();
  return std::move(computation).finish();
}

Result<std::unique_ptr<ImageFeatures>> ImageFeatures::compute(const std::vector<ImageContent>& images,
                                                              const Extractors& extractors,
                                                              const FeatureOptions& options, Progress* progress) {
  Placement placement = {{}, options.batch};
  for (const auto& extractor : extractors) placement.devices.push_back(extractor->device());
  if (placement.on_cpu()) return compute(images, *extractors.front(), options, progress);
  Computation computation(images, extractors.front()->width(), options);
  const auto compute_batch = [&](size_t slot, const std::vector<int64_t>& batch, const Tensor& pixels) {
    models::FeatureGrid grid = extractors[slot]->extract(pixels);
    const Tensor half = ops::to_float16(std::exchange(grid.rows, Tensor())).to(Device::cpu(), "feature batch");
    const int64_t cells = grid.height * grid.width;
    grid.batch = 1;
    std::vector<FinishImage> finishers;
    for (size_t b = 0; b < batch.size(); ++b) {
      const int64_t first = static_cast<int64_t>(b) * cells;
      // A copy of its own: the store counts what it keeps.
      finishers.push_back([&computation, grid, i = batch[b], rows = half.rows(first, first + cells)] {
        return computation.store(i, grid, rows.clone(kMemoryTag));
      });
    }
    return finishers;
  };
  progress->begin("features", computation.count());
  const auto load = [&](int64_t i) { return computation.load(i); };
  const auto release = [&](size_t slot) { extractors[slot]->release_workspaces(); };
  ASSAY_RETURN_IF_ERROR(run_in_batches(placement, computation.count(), load, compute_batch, release, progress));
  progress->end();
  return std::move(computation).finish();
}

models::FeatureGrid ImageFeatures::read(int64_t image) const {
  models::FeatureGrid grid = shapes_.at(image);
  grid.rows = ops::to_float32(store_->get(keys_[image]));
  return grid;
}

models::FeatureGrid ImageFeatures::read_batch(const std::vector<int64_t>& images, Device device) const {
  if (device.is_cpu()) return FeatureSource::read_batch(images, device);
  ASSAY_CHECK(!images.empty(), "features: a batch of no images");
  models::FeatureGrid batch = shapes_.at(images[0]);
  const int64_t cells = batch.height * batch.width;
  batch.batch = static_cast<int64_t>(images.size());
  const Tensor half = Tensor::empty<Float16>({batch.batch * cells, width_}, "feature batch");
  for (int64_t b = 0; b < batch.batch; ++b) {
    ASSAY_CHECK(models::is_same_size(shapes_.at(images[b]), shapes_.at(images[0])), "features: images ", images[0],
                " and ", images[b], " of a batch differ in size");
    const Tensor rows = store_->get(keys_[images[b]]);
    if (rows.bytes() > 0) std::memcpy(half.rows(b * cells, (b + 1) * cells).raw(), rows.raw(), rows.bytes());
  }
  batch.rows = ops::to_float32(half.to(device, "feature batch"), "feature batch");
  return batch;
}

uint64_t ImageFeatures::content_key(int64_t image) const {
  return std::stoull(images_.at(image).sha256.substr(0, 16), nullptr, 16);
}

}  // namespace assay::pipeline
