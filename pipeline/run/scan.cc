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

// The training set that the options make of the data set's by its labels.
Status apply_labels(const RunOptions& options, const dataset::ContentById& content, dataset::Opened* opened) {
  if (options.injection) {
    Result<dataset::Opened> injected = dataset::inject_anomalies(*opened, *options.injection, content);
    if (!injected.ok()) return injected.status();
    *opened = std::move(injected).value();
  }
  if (options.clean_by_labels) {
    Result<dataset::Opened> clean = dataset::without_training_anomalies(*opened);
    if (!clean.ok()) return clean.status();
    *opened = std::move(clean).value();
  }
  return Status();
}

void hash_lists(const dataset::ContentById& content, ScannedData* data) {
  std::string images, labels;
  for (const dataset::Item& item : data->opened.dataset.items) {
    const dataset::Truth& truth = data->opened.truth.of(item.id);
    const auto bytes = content.find(item.id);
    images += text(dataset::to_string(item.split), item.also_tested ? "+test " : " ",
                   bytes == content.end() ? "" : bytes->second, " ", item.id, "\n");
    labels += text(truth.label, " ", truth.mask, " ", truth.defect, " ", item.id, "\n");
  }
  data->data_sha256 = sha256_of(images);
  data->labels_sha256 = sha256_of(labels);
}

int64_t num_trained_and_tested(const ScannedData& data, const dataset::ContentById& content) {
  std::set<std::string> trained;
  for (const ImageContent& image : data.train_images) trained.insert(image.sha256);
  return std::count_if(data.test_files.begin(), data.test_files.end(), [&](const ImageFile& file) {
    const auto bytes = content.find(file.id);
    return bytes != content.end() && trained.count(bytes->second) > 0;
  });
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
    const bool wanted = item.split == dataset::Split::kTrain || with_test_files || options.injection;
    if (wanted) files.push_back({item.id, dataset.path_of(item.id)});
  }
  Result<HashedFiles> hashed = hash_files(files, progress);
  if (!hashed.ok()) return hashed.status();
  dataset::ContentById content;
  for (const ImageContent& image : hashed.value().images) {
    for (const std::string& id : image.ids) content[id] = image.sha256;
  }
  for (const SkippedFile& s : hashed.value().skipped) data.problems.push_back(s);
  ASSAY_RETURN_IF_ERROR(apply_labels(options, content, &data.opened));
  if (dataset.ids(dataset::Split::kTrain).empty()) return Status::error(options.data, ": holds no training images");
  data.train_images = training_images(std::move(hashed.value().images), dataset);
  if (with_test_files) {
    for (const std::string& id : dataset.ids(dataset::Split::kTest))
      data.test_files.push_back({id, dataset.path_of(id)});
  }
  data.num_trained_and_tested = num_trained_and_tested(data, content);
  hash_lists(content, &data);
  return data;
}

}  // namespace assay::pipeline
