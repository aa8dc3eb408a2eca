// SPDX-License-Identifier: Apache-2.0
#include "models/features/feature_grid.h"

#include <cstring>
#include <map>
#include <tuple>
#include <utility>

#include "kernels/base/check.h"

namespace assay::models {

Tensor one_after_the_other(const std::vector<Tensor>& parts) {
  const Tensor& first = parts.at(0);
  const int64_t rows = first.dim(0);
  const Tensor all =
      Tensor::empty({rows * static_cast<int64_t>(parts.size()), first.dim(1)}, first.dtype(), "feature batch");
  for (size_t i = 0; i < parts.size(); ++i) {
    const Tensor& part = parts[i];
    ASSAY_CHECK(part.shape() == first.shape() && part.dtype() == first.dtype(), "features: parts of a batch differ");
    const int64_t begin = static_cast<int64_t>(i) * rows;
    if (part.bytes() > 0) std::memcpy(all.rows(begin, begin + rows).raw(), part.raw(), part.bytes());
  }
  return all;
}

bool is_same_size(const FeatureGrid& a, const FeatureGrid& b) {
  return std::tie(a.height, a.width, a.image_height, a.image_width) ==
         std::tie(b.height, b.width, b.image_height, b.image_width);
}

FeatureGrid FeatureSource::read_batch(const std::vector<int64_t>& images, Device device) const {
  ASSAY_CHECK(!images.empty(), "features: a batch of no images");
  FeatureGrid batch = read(images[0]);
  if (images.size() > 1) {
    std::vector<Tensor> rows, prefixes;
    for (size_t b = 0; b < images.size(); ++b) {
      const FeatureGrid grid = b == 0 ? batch : read(images[b]);
      ASSAY_CHECK(is_same_size(grid, batch) && grid.prefix.shape() == batch.prefix.shape(), "features: images ",
                  images[0], " and ", images[b], " of a batch differ in size");
      rows.push_back(grid.rows);
      prefixes.push_back(grid.prefix);
    }
    batch.rows = one_after_the_other(rows);
    if (has_prefix(batch)) batch.prefix = one_after_the_other(prefixes);
    batch.batch = static_cast<int64_t>(images.size());
  }
  batch.rows = batch.rows.to(device, "feature batch");
  if (has_prefix(batch)) batch.prefix = batch.prefix.to(device, "feature batch");
  return batch;
}

std::vector<std::vector<int64_t>> batches_of_one_size(const FeatureSource& features, const std::vector<int64_t>& images,
                                                      int64_t max_batch) {
  ASSAY_CHECK(max_batch >= 1, "batches of at most ", max_batch, " images, expected at least 1");
  std::vector<std::vector<int64_t>> batches;
  std::map<std::tuple<int64_t, int64_t, int64_t, int64_t>, size_t> unfilled;  // by size, the batch to add to
  for (size_t i = 0; i < images.size(); ++i) {
    const FeatureGrid shape = features.shape(images[i]);
    const auto size = std::tuple(shape.height, shape.width, shape.image_height, shape.image_width);
    const auto found = unfilled.find(size);
    if (found == unfilled.end() || static_cast<int64_t>(batches[found->second].size()) == max_batch) {
      unfilled[size] = batches.size();
      batches.emplace_back();
    }
    batches[unfilled[size]].push_back(static_cast<int64_t>(i));
  }
  return batches;
}

std::vector<int64_t> images_at(const std::vector<int64_t>& images, const std::vector<int64_t>& positions) {
  std::vector<int64_t> chosen;
  for (const int64_t p : positions) chosen.push_back(images.at(p));
  return chosen;
}

}  // namespace assay::models
