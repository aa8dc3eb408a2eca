// SPDX-License-Identifier: Apache-2.0
#include "pipeline/features/image_features.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <utility>

#include "engine/ops/convert_bfloat16.h"
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

// ---- What is stored of an image: its prefix and its cells below each other, 16 bits a number

// Rows of length one as float16. The size of others is the backbone's affair: they need float's range.
Tensor shortened(const Tensor& rows, bool unit_length) {
  return unit_length ? ops::to_float16(rows, ImageFeatures::kMemoryTag)
                     : ops::to_bfloat16(rows, ImageFeatures::kMemoryTag);
}

Tensor lengthened(const Tensor& rows, const char* tag = "to_float32") {
  return rows.dtype() == DType::kFloat16 ? ops::to_float32(rows, tag) : ops::from_bfloat16(rows, tag);
}

// In storage of their own: the store counts what it keeps.
Tensor below_each_other(const Tensor& prefix, const Tensor& cells) {
  const int64_t skipped = prefix.size() > 0 ? prefix.dim(0) : 0;
  const Tensor both = Tensor::empty({skipped + cells.dim(0), cells.dim(1)}, cells.dtype(), ImageFeatures::kMemoryTag);
  if (skipped > 0) std::memcpy(both.raw(), prefix.raw(), prefix.bytes());
  if (cells.bytes() > 0) std::memcpy(both.rows(skipped, both.dim(0)).raw(), cells.raw(), cells.bytes());
  return both;
}

// The grid that has `shape` and these rows, the prefix being what there is beside the cells.
models::FeatureGrid with_rows(models::FeatureGrid shape, const Tensor& rows) {
  const int64_t skipped = rows.dim(0) - shape.height * shape.width;
  if (skipped > 0) shape.prefix = rows.rows(0, skipped);
  shape.rows = rows.rows(skipped, rows.dim(0));
  return shape;
}

// Image b of a batch of `count`.
Tensor part_of(const Tensor& batch, int64_t b, int64_t count) {
  if (batch.size() == 0) return batch;
  const int64_t rows = batch.dim(0) / count;
  return batch.rows(b * rows, (b + 1) * rows);
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

Result<models::FeatureGrid> features_of(const std::string& path, const models::PatchFeatures& extractor,
                                        const models::InputSizeRule& rule, const FeatureCache& cache) {
  constexpr FeatureCache::Precision kPrecision = FeatureCache::Precision::kFloat32;
  const Result<std::vector<uint8_t>> bytes = data::read_file(path, data::ImageLimits().max_file_bytes);
  if (!bytes.ok()) return bytes.status();
  const std::string sha256 = data::sha256(bytes.value());
  const std::optional<FeatureCache::Entry> cached = cache.get(sha256, kPrecision);
  if (cached) return with_rows(cached->shape, cached->rows);
  const Result<Tensor> input = scale_to_input(data::decode_image(bytes.value(), path), rule);
  if (!input.ok()) return input.status();
  models::FeatureGrid grid = extractor.extract(input.value());
  FeatureCache::Entry entry = {grid, below_each_other(grid.prefix, grid.rows)};
  entry.shape.rows = entry.shape.prefix = Tensor();
  cache.put(sha256, kPrecision, entry);
  return grid;
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

  // Whether the image's features are there already; then they are stored.
  Result<bool> find(int64_t i) {
    if (options_.cache == nullptr) return false;
    const std::optional<FeatureCache::Entry> entry =
        options_.cache->get(images_[i].sha256, FeatureCache::Precision::k16Bit);
    if (!entry) return false;
    shapes_[i] = entry->shape;
    ASSAY_RETURN_IF_ERROR(features_->store_->put(i, entry->rows));
    return true;
  }

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

  // `shape` is the grid without its rows and prefix.
  Status store(int64_t i, const models::FeatureGrid& shape, const Tensor& stored) {
    shapes_[i] = shape;
    if (options_.cache != nullptr) {
      options_.cache->put(images_[i].sha256, FeatureCache::Precision::k16Bit, {shape, stored});
    }
    return features_->store_->put(i, stored);
  }

  std::unique_ptr<ImageFeatures> finish(Progress* progress) && {
    const std::string trouble = options_.cache != nullptr ? options_.cache->trouble() : "";
    if (!trouble.empty()) progress->note(trouble);
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
    const Result<bool> found = computation.find(i);
    if (!found.ok() || found.value()) return found.status();
    const Result<std::optional<Tensor>> input = computation.load(i);
    if (!input.ok()) return input.status();
    if (!input.value()) return Status();
    models::FeatureGrid grid = extractor.extract(*input.value());
    const bool unit_length = extractor.options().unit_length;
    const Tensor prefix = std::exchange(grid.prefix, Tensor());
    const Tensor cells = shortened(std::exchange(grid.rows, Tensor()), unit_length);
    const bool has_prefix = prefix.size() > 0;
    return computation.store(i, grid, has_prefix ? below_each_other(shortened(prefix, unit_length), cells) : cells);
  }));
  progress->end();
  return std::move(computation).finish(progress);
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
    const auto fetched = [unit_length = extractors[slot]->options().unit_length](const Tensor& rows) {
      return rows.size() > 0 ? shortened(rows, unit_length).to(Device::cpu(), "feature batch") : Tensor();
    };
    const Tensor cells = fetched(std::exchange(grid.rows, Tensor()));
    const Tensor prefix = fetched(std::exchange(grid.prefix, Tensor()));
    const int64_t count = std::exchange(grid.batch, 1);
    std::vector<FinishImage> finishers;
    for (size_t b = 0; b < batch.size(); ++b) {
      const int64_t at = static_cast<int64_t>(b);
      finishers.push_back([&computation, grid, i = batch[b], own_prefix = part_of(prefix, at, count),
                           own_cells = part_of(cells, at, count)] {
        return computation.store(i, grid, below_each_other(own_prefix, own_cells));
      });
    }
    return finishers;
  };
  progress->begin("features", computation.count());
  const auto load = [&](int64_t i) -> Result<std::optional<Tensor>> {
    const Result<bool> found = computation.find(i);
    if (!found.ok()) return found.status();
    return found.value() ? std::optional<Tensor>() : computation.load(i);
  };
  const auto release = [&](size_t slot) { extractors[slot]->release_workspaces(); };
  ASSAY_RETURN_IF_ERROR(run_in_batches(placement, computation.count(), load, compute_batch, release, progress));
  progress->end();
  return std::move(computation).finish(progress);
}

models::FeatureGrid ImageFeatures::read(int64_t image) const {
  const Tensor rows = lengthened(store_->get(keys_[image]));
  return with_rows(shapes_.at(image), rows);
}

models::FeatureGrid ImageFeatures::read_batch(const std::vector<int64_t>& images, Device device) const {
  if (device.is_cpu()) return FeatureSource::read_batch(images, device);
  ASSAY_CHECK(!images.empty(), "features: a batch of no images");
  models::FeatureGrid batch = shapes_.at(images[0]);
  std::vector<Tensor> prefixes, cells;
  for (const int64_t image : images) {
    ASSAY_CHECK(models::is_same_size(shapes_.at(image), batch), "features: images ", images[0], " and ", image,
                " of a batch differ in size");
    const Tensor rows = store_->get(keys_[image]);
    const int64_t skipped = rows.dim(0) - batch.height * batch.width;
    prefixes.push_back(rows.rows(0, skipped));
    cells.push_back(rows.rows(skipped, rows.dim(0)));
  }
  const auto moved = [device](const std::vector<Tensor>& parts) {
    return lengthened(models::one_after_the_other(parts).to(device, "feature batch"), "feature batch");
  };
  batch.rows = moved(cells);
  if (prefixes[0].size() > 0) batch.prefix = moved(prefixes);
  batch.batch = static_cast<int64_t>(images.size());
  return batch;
}

uint64_t ImageFeatures::content_key(int64_t image) const {
  return std::stoull(images_.at(image).sha256.substr(0, 16), nullptr, 16);
}

}  // namespace assay::pipeline
