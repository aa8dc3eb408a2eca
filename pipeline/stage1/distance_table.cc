// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage1/distance_table.h"

#include <algorithm>
#include <cstring>

#include "engine/ops/convert_float16.h"
#include "engine/ops/packed_bank.h"
#include "engine/ops/segment_minimum.h"
#include "kernels/base/parallel.h"

namespace assay::pipeline {
namespace {

constexpr float kLargestFloat16 = 65504;  // an infinity would turn a map, and with it the image's score, into NaN

struct References {
  Tensor rows;     // (R, D'), image after image
  Tensor offsets;  // (J + 1)
};

References gather_references(const models::FeatureSource& features, const std::vector<int64_t>& images,
                             const models::BankSpace& space) {
  const int64_t count = static_cast<int64_t>(images.size());
  std::vector<Tensor> parts(count);
  parallel_for(count, 1, [&](int64_t j, int64_t) {
    const models::FeatureGrid grid = features.read(images[j]);
    parts[j] = space.take_references(grid, features.content_key(images[j]));
  });
  References references;
  references.offsets = Tensor::zeros<int64_t>({count + 1}, "distance table");
  int64_t* offsets = references.offsets.data<int64_t>();
  for (int64_t j = 0; j < count; ++j) offsets[j + 1] = offsets[j] + parts[j].dim(0);
  references.rows = Tensor::empty<float>({offsets[count], space.width()}, "distance table");
  for (int64_t j = 0; j < count; ++j) {
    std::memcpy(references.rows.rows(offsets[j], offsets[j + 1]).raw(), parts[j].raw(), parts[j].bytes());
  }
  return references;
}

}  // namespace

Result<std::unique_ptr<DistanceTable>> DistanceTable::compute(const models::FeatureSource& features,
                                                              const std::vector<int64_t>& images,
                                                              const models::BankSpace& space, int64_t memory_budget,
                                                              const std::string& spill_folder, Progress* progress) {
  std::unique_ptr<DistanceTable> table(new DistanceTable);
  table->num_images_ = static_cast<int64_t>(images.size());
  table->store_ = std::make_unique<SpillStore>(table->num_images_, memory_budget, spill_folder, "distance table");
  progress->begin("distances", table->num_images_);
  const References references = gather_references(features, images, space);
  const ops::PackedBank bank(references.rows, "distance table");
  for (int64_t i = 0; i < table->num_images_; ++i) {
    const Tensor queries = space.project(features.read(images[i]));
    const Tensor distances = ops::segment_minimum(queries, bank, references.offsets);
    float* d = distances.data<float>();
    std::transform(d, d + distances.size(), d, [](float v) { return std::min(v, kLargestFloat16); });
    ASSAY_RETURN_IF_ERROR(table->store_->put(i, ops::to_float16(distances)));
    progress->advance(i + 1);
    if (progress->stop_requested()) return Status::error(kInterrupted);
  }
  progress->end();
  return table;
}

int64_t DistanceTable::bytes_needed(const models::FeatureSource& features, const std::vector<int64_t>& images) {
  int64_t cells = 0;
  for (const int64_t image : images) cells += features.shape(image).height * features.shape(image).width;
  return cells * static_cast<int64_t>(images.size() * sizeof(Float16));
}

Tensor DistanceTable::rows_of(int64_t i) const { return ops::to_float32(store_->get(i)); }

}  // namespace assay::pipeline
