// SPDX-License-Identifier: Apache-2.0
// Images in their order, put together by size.
#pragma once

#include <cstdint>
#include <list>
#include <vector>

#include "engine/tensor/tensor.h"

namespace assay::pipeline {

struct ImageBatch {
  std::vector<int64_t> images;  // numbers
  std::vector<Tensor> pixels;   // of each (H, W, 3), all of one size
};

// A batch is ready when it is full, or when images of so many other sizes are waiting that it has to go as it is. Which
// images share a batch is decided by the order of the calls alone.
class BatchAssembler {
 public:
  explicit BatchAssembler(int64_t batch) : batch_(batch) {}

  // Adds an image; batches that became ready are appended.
  void add(int64_t image, const Tensor& pixels, std::vector<ImageBatch>* ready);
  // The batches that are not full, in the order in which they began.
  void flush(std::vector<ImageBatch>* ready);

 private:
  static constexpr size_t kMaxWaiting = 4;  // sizes; a data set of many sizes keeps that many batches in memory

  const int64_t batch_;
  std::list<ImageBatch> waiting_;
};

}  // namespace assay::pipeline
