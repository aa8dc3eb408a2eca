// SPDX-License-Identifier: Apache-2.0
#include "pipeline/features/image_features.h"

#include <algorithm>
#include <map>
#include <utility>

#include "engine/ops/convert_float16.h"
#include "engine/ops/resize.h"
#include "pipeline/data/file.h"
#include "pipeline/data/image.h"
#include "pipeline/data/sha256.h"
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

Result<std::unique_ptr<ImageFeatures>> ImageFeatures::compute(const std::vector<ImageContent>& images,
                                                              const models::PatchFeatures& extractor,
                                                              const FeatureOptions& options, Progress* progress) {
  const int64_t count = static_cast<int64_t>(images.size());
  std::unique_ptr<ImageFeatures> result(new ImageFeatures);
  result->width_ = extractor.width();
  result->store_ = std::make_unique<SpillStore>(count, options.memory_budget, options.spill_folder, "features");
  std::vector<models::FeatureGrid> shapes(count);
  std::vector<std::string> problems(count);
  progress->begin("features", count);
  ASSAY_RETURN_IF_ERROR(for_each_file(count, progress, [&](int64_t i) -> Status {
    const ImageContent& image = images[i];
    Result<std::vector<uint8_t>> bytes = data::read_file(image.path, data::ImageLimits().max_file_bytes);
    if (!bytes.ok()) {
      problems[i] = bytes.message();
      return Status();
    }
    if (data::sha256(bytes.value()) != image.sha256) {
      return Status::error(image.path, ": the file has changed while it was in use");
    }
    const Result<Tensor> input = scale_to_input(data::decode_image(bytes.value(), image.path), options.input_size);
    if (!input.ok()) {
      problems[i] = input.message();
      return Status();
    }
    models::FeatureGrid grid = extractor.extract(input.value());
    const Tensor rows = std::exchange(grid.rows, Tensor());
    shapes[i] = grid;
    return result->store_->put(i, ops::to_float16(rows));
  }));
  progress->end();
  for (int64_t i = 0; i < count; ++i) {
    if (!problems[i].empty()) {
      record_skipped(images[i], problems[i], &result->skipped_);
      continue;
    }
    result->images_.push_back(images[i]);
    result->shapes_.push_back(shapes[i]);
    result->keys_.push_back(i);
  }
  std::sort(result->skipped_.begin(), result->skipped_.end(),
            [](const SkippedFile& a, const SkippedFile& b) { return a.id < b.id; });
  return result;
}

models::FeatureGrid ImageFeatures::read(int64_t image) const {
  models::FeatureGrid grid = shapes_.at(image);
  grid.rows = ops::to_float32(store_->get(keys_[image]));
  return grid;
}

uint64_t ImageFeatures::content_key(int64_t image) const {
  return std::stoull(images_.at(image).sha256.substr(0, 16), nullptr, 16);
}

}  // namespace assay::pipeline
