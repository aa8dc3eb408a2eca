// SPDX-License-Identifier: Apache-2.0
// The patch features of many image files, computed once each and kept for the whole run.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "models/features/feature_grid.h"
#include "models/features/input_size.h"
#include "models/features/patch_features.h"
#include "pipeline/features/feature_cache.h"
#include "pipeline/features/spill_store.h"
#include "pipeline/run/progress.h"

namespace assay::pipeline {

struct ImageFile {
  std::string id;    // what scores and selections travel by
  std::string path;  // where it lies
};

// A file that is left out, and why.
struct SkippedFile {
  std::string id;
  std::string reason;
};

// What identifies an image: its bytes. Files of the same bytes are one image under several ids.
struct ImageContent {
  std::string sha256;
  std::vector<std::string> ids;  // sorted
  std::string path;              // of ids[0]
};

struct HashedFiles {
  std::vector<ImageContent> images;  // sorted by sha256: an order that no name and no list has a part in
  std::vector<SkippedFile> skipped;  // sorted by id
};

// Reads and hashes every file. A file that cannot be read is skipped. Fails only when asked to stop.
Result<HashedFiles> hash_files(const std::vector<ImageFile>& files, Progress* progress);

// An image as the backbone is to see it: decoded and scaled. `path` names it in errors.
Result<Tensor> load_input(const std::string& path, const models::InputSizeRule& rule);

struct FeatureOptions {
  models::InputSizeRule input_size;
  int64_t memory_budget = int64_t{1} << 30;  // bytes of features kept in memory; what is beyond lies in spill_folder
  std::string spill_folder;
  int64_t batch = 16;                   // images that a GPU computes at once
  const FeatureCache* cache = nullptr;  // of the recipe that the extractor is made of; null: all are computed
};

// The features of one image file in float32, as it is scored, from the cache where that has them. Of a file that cannot
// be used the reason.
Result<models::FeatureGrid> features_of(const std::string& path, const models::PatchFeatures& extractor,
                                        const models::InputSizeRule& rule, const FeatureCache& cache);

// One for each device that takes part.
using Extractors = std::vector<std::unique_ptr<models::PatchFeatures>>;

// Features of images in 16 bits: rows of length one as float16, others as bfloat16, whose range is float's. Its eighth
// binary digit is far below what separates patches. Images that cannot be decoded are left out and recorded. Results do
// not depend on the number of threads, the memory budget, or, within one kind of device, on their number. They lie in
// memory of the host, whatever computed them.
class ImageFeatures : public models::FeatureSource {
 public:
  static constexpr char kMemoryTag[] = "features";  // of what is kept in memory (engine/memory/usage.h)

  // Decoding of some images overlaps with inference of others. Fails when a file has changed since it was hashed, when
  // the spill folder cannot be written, or when asked to stop.
  static Result<std::unique_ptr<ImageFeatures>> compute(const std::vector<ImageContent>& images,
                                                        const models::PatchFeatures& extractor,
                                                        const FeatureOptions& options, Progress* progress);
  // The same by several GPUs, or by whatever the one extractor is on.
  static Result<std::unique_ptr<ImageFeatures>> compute(const std::vector<ImageContent>& images,
                                                        const Extractors& extractors, const FeatureOptions& options,
                                                        Progress* progress);

  int64_t num_images() const override { return static_cast<int64_t>(images_.size()); }
  int64_t feature_width() const override { return width_; }
  models::FeatureGrid read(int64_t image) const override;
  // Goes to a GPU in 16 bits.
  models::FeatureGrid read_batch(const std::vector<int64_t>& images, Device device) const override;
  models::FeatureGrid shape(int64_t image) const override { return shapes_.at(image); }
  uint64_t content_key(int64_t image) const override;

  // Usable images only, in the order of `images` above.
  const ImageContent& image(int64_t index) const { return images_.at(index); }
  const std::vector<SkippedFile>& skipped() const { return skipped_; }
  const SpillStore& store() const { return *store_; }

 private:
  class Computation;
  ImageFeatures() = default;

  int64_t width_ = 0;
  std::vector<ImageContent> images_;
  std::vector<models::FeatureGrid> shapes_;  // without rows
  std::vector<int64_t> keys_;                // in the store
  std::vector<SkippedFile> skipped_;
  std::unique_ptr<SpillStore> store_;
};

}  // namespace assay::pipeline
