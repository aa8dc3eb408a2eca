// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run/scan.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "pipeline/data/sha256.h"

namespace assay::pipeline {
namespace {

std::string sha256_of(const std::string& s) {
  return data::sha256({reinterpret_cast<const uint8_t*>(s.data()), s.size()});
}

// The images that have a training name, under those alone.
std::vector<ImageContent> training_images(std::vector<ImageContent> images, const dataset::Dataset& dataset) {
  const std::vector<std::string> train_ids = dataset.ids(dataset::Split::kTrain);
  const std::set<std::string> is_train(train_ids.begin(), train_ids.end());
  std::vector<ImageContent> chosen;
  for (ImageContent& image : images) {
    const auto is_test = [&](const std::string& id) { return is_train.count(id) == 0; };
    image.ids.erase(std::remove_if(image.ids.begin(), image.ids.end(), is_test), image.ids.end());
    if (image.ids.empty()) continue;
    image.path = dataset.path_of(image.ids[0]);
    chosen.push_back(std::move(image));
  }
  return chosen;
}

}  // namespace

Result<ScannedData> scan(const RunOptions& options, bool with_test_files, Progress* progress) {
  Result<dataset::Opened> opened = dataset::open_dataset(options.data, options.dataset);
  if (!opened.ok()) return opened.status();
  ScannedData data;
  data.opened = std::move(opened).value();
  const dataset::Dataset& dataset = data.opened.dataset;
  for (const dataset::Problem& p : data.opened.problems) data.problems.push_back({p.where, p.reason});
  std::vector<ImageFile> files;
  for (const dataset::Item& item : dataset.items) {
    const bool wanted = item.split == dataset::Split::kTrain || with_test_files;
    if (wanted) files.push_back({item.id, dataset.path_of(item.id)});
    if (wanted && item.split == dataset::Split::kTest) data.test_files.push_back(files.back());
  }
  Result<HashedFiles> hashed = hash_files(files, progress);
  if (!hashed.ok()) return hashed.status();
  std::map<std::string, std::string> digest_of;
  for (const ImageContent& image : hashed.value().images) {
    for (const std::string& id : image.ids) digest_of[id] = image.sha256;
  }
  for (const SkippedFile& s : hashed.value().skipped) data.problems.push_back(s);
  if (dataset.ids(dataset::Split::kTrain).empty()) return Status::error(options.data, ": holds no training images");
  data.train_images = training_images(std::move(hashed.value().images), dataset);
  std::string images, labels;
  for (const dataset::Item& item : dataset.items) {
    const dataset::Truth& truth = data.opened.truth.of(item.id);
    images += text(dataset::to_string(item.split), " ", digest_of[item.id], " ", item.id, "\n");
    labels += text(truth.label, " ", truth.mask, " ", truth.defect, " ", item.id, "\n");
  }
  data.data_sha256 = sha256_of(images);
  data.labels_sha256 = sha256_of(labels);
  return data;
}

}  // namespace assay::pipeline
