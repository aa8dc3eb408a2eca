// SPDX-License-Identifier: Apache-2.0
// Which images each training step sees.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/random/generator.h"
#include "models/features/feature_grid.h"

namespace assay::models {

// Endless batches of images of one grid size. In each pass over the images every size's images are shuffled and cut
// into batches of `batch`; a rest is left out until the next pass, unless a size has fewer images than a batch: these
// come together. Batches of all sizes are shuffled among each other. The order depends on the images' contents and the
// seed alone.
class TrainingBatches {
 public:
  // images: at least one; batch >= 1.
  TrainingBatches(const FeatureSource& features, const std::vector<int64_t>& images, int64_t batch, uint64_t seed);
  std::vector<int64_t> next();

 private:
  void begin_pass();

  std::vector<std::vector<int64_t>> by_size_;
  const int64_t batch_;
  kernels::Generator generator_;
  std::vector<std::vector<int64_t>> pass_;  // what is left of the present one, the next at the back
};

}  // namespace assay::models
