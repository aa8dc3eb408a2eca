// SPDX-License-Identifier: Apache-2.0
#include "pipeline/demo/demo_dataset.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "engine/tensor/tensor.h"
#include "kernels/base/parallel.h"
#include "kernels/random/generator.h"
#include "pipeline/data/file.h"
#include "pipeline/data/png_write.h"
#include "pipeline/demo/synthetic.h"

namespace assay::demo {
namespace {

constexpr int64_t kMostImages = 100000;

struct Entry {
  int64_t index;
  bool is_training;
  Defect defect;

  std::string file() const {
    char digits[16];
    std::snprintf(digits, sizeof digits, "%06d.png", static_cast<int>(index));
    return digits;
  }
  std::string folder() const { return is_training ? "train" : std::string("test/") + name(defect); }
  std::string image() const { return folder() + "/" + file(); }
  std::string mask_folder() const { return std::string("ground_truth/") + (is_training ? "train" : name(defect)); }
  // Empty for a good image.
  std::string mask() const { return defect == Defect::kNone ? "" : mask_folder() + "/" + file(); }
};

Status check(const DemoOptions& options) {
  // Written so that a NaN fails.
  if (!(options.alpha >= 0 && options.alpha <= 0.5)) {
    return Status::error("demo data: alpha ", options.alpha, ", expected 0 to 0.5");
  }
  const auto in_range = [](const char* what, int64_t count, int64_t least) {
    if (count >= least && count <= kMostImages) return Status();
    return Status::error("demo data: ", what, " ", count, ", expected ", least, " to ", kMostImages);
  };
  ASSAY_RETURN_IF_ERROR(in_range("number of training images", options.train_images, 1));
  ASSAY_RETURN_IF_ERROR(in_range("number of normal test images", options.test_normal, 0));
  return in_range("number of anomalous test images", options.test_anomalous, 0);
}

// The production run: training images, then good ones of the test, then flawed ones.
std::vector<Entry> plan(Category category, const DemoOptions& options) {
  const std::vector<Defect>& defects = defects_of(category);
  const auto in_turn = [&](int64_t i) { return defects[i % defects.size()]; };
  std::vector<Entry> entries;
  for (int64_t i = 0; i < options.train_images; ++i) entries.push_back({i, true, Defect::kNone});
  // Streams beyond those of images, which are below 2^63.
  kernels::Generator generator(options.seed, (uint64_t{1} << 63) + static_cast<uint64_t>(category));
  const int64_t flawed = std::llround(options.alpha * static_cast<double>(options.train_images));
  int64_t turn = 0;
  for (const int64_t i : kernels::random_sample(options.train_images, flawed, generator)) {
    entries[i].defect = in_turn(turn++);
  }
  int64_t next = options.train_images;
  for (int64_t i = 0; i < options.test_normal; ++i) entries.push_back({next++, false, Defect::kNone});
  for (int64_t i = 0; i < options.test_anomalous; ++i) entries.push_back({next++, false, in_turn(i)});
  return entries;
}

Status create_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error) return {};
  return Status::error(path, ": cannot create the folder: ", error.message());
}

Status write_pixels(const std::string& path, const Shape& shape, const std::vector<uint8_t>& pixels) {
  const Tensor tensor = Tensor::empty<uint8_t>(shape, "demo images");
  std::memcpy(tensor.raw(), pixels.data(), pixels.size());
  return data::write_png(path, tensor);
}

Status write_entry(const std::string& root, Category category, const Entry& entry, uint64_t seed) {
  const SyntheticImage image = make_image(category, entry.index, entry.defect, seed);
  ASSAY_RETURN_IF_ERROR(write_pixels(root + "/" + entry.image(), {kImageSide, kImageSide, 3}, image.rgb));
  if (entry.defect == Defect::kNone) return {};
  return write_pixels(root + "/" + entry.mask(), {kImageSide, kImageSide}, image.mask);
}

Status write_images(const std::string& root, Category category, const std::vector<Entry>& entries, uint64_t seed) {
  for (const Entry& entry : entries) {
    ASSAY_RETURN_IF_ERROR(create_folder(root + "/" + entry.folder()));
    if (entry.defect != Defect::kNone) ASSAY_RETURN_IF_ERROR(create_folder(root + "/" + entry.mask_folder()));
  }
  std::vector<Status> written(entries.size());
  parallel_for(static_cast<int64_t>(entries.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) written[i] = write_entry(root, category, entries[i], seed);
  });
  for (const Status& status : written) ASSAY_RETURN_IF_ERROR(status);
  return {};
}

Status write_list(const std::string& path, const std::vector<Entry>& entries) {
  std::string csv = "split,path,label,mask\n";
  for (const Entry& entry : entries) {
    csv += entry.is_training ? "train," : "test,";
    csv += entry.image() + (entry.defect == Defect::kNone ? ",0," : ",1,") + entry.mask() + "\n";
  }
  return data::write_file_atomically(path, {reinterpret_cast<const uint8_t*>(csv.data()), csv.size()});
}

}  // namespace

Result<std::vector<std::string>> write_demo_dataset(const std::string& dir, const DemoOptions& options) {
  ASSAY_RETURN_IF_ERROR(check(options));
  std::vector<std::string> lists;
  for (const Category category : kCategories) {
    const std::string root = dir + "/" + name(category);
    const std::vector<Entry> entries = plan(category, options);
    ASSAY_RETURN_IF_ERROR(create_folder(root));
    ASSAY_RETURN_IF_ERROR(write_images(root, category, entries, options.seed));
    lists.push_back(root + "/list.csv");
    ASSAY_RETURN_IF_ERROR(write_list(lists.back(), entries));
  }
  return lists;
}

}  // namespace assay::demo
