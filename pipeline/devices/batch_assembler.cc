// SPDX-License-Identifier: Apache-2.0
#include "pipeline/devices/batch_assembler.h"

#include <algorithm>
#include <utility>

namespace assay::pipeline {

void BatchAssembler::add(int64_t image, const Tensor& pixels, std::vector<ImageBatch>* ready) {
  auto batch = std::find_if(waiting_.begin(), waiting_.end(),
                            [&](const ImageBatch& b) { return b.pixels.front().shape() == pixels.shape(); });
  if (batch == waiting_.end()) {
    if (waiting_.size() == kMaxWaiting) {
      ready->push_back(std::move(waiting_.front()));
      waiting_.pop_front();
    }
    batch = waiting_.emplace(waiting_.end());
  }
  batch->images.push_back(image);
  batch->pixels.push_back(pixels);
  if (static_cast<int64_t>(batch->images.size()) < batch_) return;
  ready->push_back(std::move(*batch));
  waiting_.erase(batch);
}

void BatchAssembler::flush(std::vector<ImageBatch>* ready) {
  for (ImageBatch& b : waiting_) ready->push_back(std::move(b));
  waiting_.clear();
}

}  // namespace assay::pipeline
