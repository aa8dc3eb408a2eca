// SPDX-License-Identifier: Apache-2.0
// Distances from every patch of every training image to every training image: what makes stage 1 nearly free for memory
// banks. A bank is a union of images, so the score of a patch under any bank, of any partition, is a minimum over
// columns.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "models/memory_bank/bank_space.h"
#include "pipeline/devices/placement.h"
#include "pipeline/features/spill_store.h"
#include "pipeline/run/progress.h"

namespace assay::pipeline {

class DistanceTable {
 public:
  static constexpr char kMemoryTag[] = "distances";  // of rows kept in memory (engine/memory/usage.h)

  // Rows are the patches of images[i], columns the images themselves: the squared distance to the nearest of image j's
  // reference cells in `space`. Kept as float16 (an error of 2^-11, 65504 at most), in memory up to the budget, in a
  // file beyond it. GPUs share the rows among them. Fails where the file cannot be written or when asked to stop.
  static Result<std::unique_ptr<DistanceTable>> compute(const models::FeatureSource& features,
                                                        const std::vector<int64_t>& images,
                                                        const models::BankSpace& space, int64_t memory_budget,
                                                        const std::string& spill_folder, Progress* progress,
                                                        const Placement& placement = {});

  // What compute would keep.
  static int64_t bytes_needed(const models::FeatureSource& features, const std::vector<int64_t>& images);

  int64_t num_images() const { return num_images_; }
  // (P_i, J) float32. Column i is the image's distance to its own references: 0 but for rounding
  // (kernels/knn/segment_minimum.h) where a cell is one of them.
  Tensor rows_of(int64_t i) const;

 private:
  struct References;
  DistanceTable() = default;
  static References gather_references(const models::FeatureSource& features, const std::vector<int64_t>& images,
                                      const models::BankSpace& space);
  Status fill_on_cpu(const models::FeatureSource& features, const std::vector<int64_t>& images,
                     const models::BankSpace& space, const References& references, Progress* progress);
  Status fill_on_gpus(const models::FeatureSource& features, const std::vector<int64_t>& images,
                      const models::BankSpace& space, const References& references, Progress* progress,
                      const Placement& placement);
  int64_t num_images_ = 0;
  std::unique_ptr<SpillStore> store_;
};

}  // namespace assay::pipeline
