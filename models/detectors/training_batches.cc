// SPDX-License-Identifier: Apache-2.0
#include "models/detectors/training_batches.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "kernels/base/check.h"
#include "models/memory_bank/bank_space.h"

namespace assay::models {
namespace {

constexpr uint64_t kBatchStream = 0x6261746368ull;  // "batch"

std::vector<int64_t> shuffled(const std::vector<int64_t>& images, kernels::Generator& generator) {
  std::vector<int64_t> result;
  for (const int64_t at : kernels::random_permutation(static_cast<int64_t>(images.size()), generator)) {
    result.push_back(images[static_cast<size_t>(at)]);
  }
  return result;
}

}  // namespace

TrainingBatches::TrainingBatches(const FeatureSource& features, const std::vector<int64_t>& images, int64_t batch,
                                 uint64_t seed)
    : batch_(batch), generator_(seed, kBatchStream) {
  ASSAY_CHECK(!images.empty() && batch >= 1, "training: batches of ", batch, " out of ", images.size(), " images");
  std::map<std::tuple<int64_t, int64_t>, std::vector<int64_t>> sizes;
  for (const int64_t image : by_content(features, images)) {
    const FeatureGrid shape = features.shape(image);
    sizes[{shape.height, shape.width}].push_back(image);
  }
  for (auto& [size, members] : sizes) by_size_.push_back(std::move(members));
}

void TrainingBatches::begin_pass() {
  std::vector<std::vector<int64_t>> batches;
  for (const std::vector<int64_t>& images : by_size_) {
    const std::vector<int64_t> order = shuffled(images, generator_);
    const size_t size = std::min(order.size(), static_cast<size_t>(batch_));
    for (size_t begin = 0; begin + size <= order.size(); begin += size) {
      batches.emplace_back(order.begin() + static_cast<std::ptrdiff_t>(begin),
                           order.begin() + static_cast<std::ptrdiff_t>(begin + size));
    }
  }
  for (const int64_t at : kernels::random_permutation(static_cast<int64_t>(batches.size()), generator_)) {
    pass_.push_back(std::move(batches[static_cast<size_t>(at)]));
  }
}

std::vector<int64_t> TrainingBatches::next() {
  if (pass_.empty()) begin_pass();
  std::vector<int64_t> batch = std::move(pass_.back());
  pass_.pop_back();
  return batch;
}

}  // namespace assay::models
