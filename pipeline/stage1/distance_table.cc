// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage1/distance_table.h"

#include <mutex>

#include "engine/device/stream.h"
#include "engine/ops/convert_float16.h"
#include "engine/ops/packed_bank.h"
#include "engine/ops/segment_minimum.h"
#include "kernels/base/parallel.h"

namespace assay::pipeline {
// On the device of the space that they were taken in.
struct DistanceTable::References {
  Tensor rows;     // (R, D'), image after image
  Tensor offsets;  // (J + 1), on the CPU
};

namespace {

// What the threads of one GPU search.
struct GpuBank {
  models::BankSpace space;
  ops::PackedBank bank;
  ops::Segments segments;
};

}  // namespace

Result<std::unique_ptr<DistanceTable>> DistanceTable::compute(const models::FeatureSource& features,
                                                              const std::vector<int64_t>& images,
                                                              const models::BankSpace& space, int64_t memory_budget,
                                                              const std::string& spill_folder, Progress* progress,
                                                              const Placement& placement) {
  std::unique_ptr<DistanceTable> table(new DistanceTable);
  table->num_images_ = static_cast<int64_t>(images.size());
  table->store_ = std::make_unique<SpillStore>(table->num_images_, memory_budget, spill_folder, "distance table");
  progress->begin("distances", table->num_images_);
  const References references = gather_references(features, images, space);
  ASSAY_RETURN_IF_ERROR(placement.on_cpu()
                            ? table->fill_on_cpu(features, images, space, references, progress)
                            : table->fill_on_gpus(features, images, space, references, progress, placement));
  progress->end();
  return table;
}

DistanceTable::References DistanceTable::gather_references(const models::FeatureSource& features,
                                                           const std::vector<int64_t>& images,
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
  references.rows = Tensor::empty<float>({offsets[count], space.width()}, "distance table", space.device());
  for (int64_t j = 0; j < count; ++j) {
    copy(parts[j], references.rows.rows(offsets[j], offsets[j + 1]), current_stream(space.device()));
  }
  return references;
}

Status DistanceTable::fill_on_cpu(const models::FeatureSource& features, const std::vector<int64_t>& images,
                                  const models::BankSpace& space, const References& references, Progress* progress) {
  const ops::PackedBank bank(references.rows, "distance table");
  const ops::Segments segments(references.offsets, bank);
  for (int64_t i = 0; i < num_images_; ++i) {
    const Tensor queries = space.project(features.read(images[i]));
    const Tensor distances = ops::segment_minimum(queries, bank, segments);
    // An infinity would turn a map, and with it the image's score, into NaN.
    ASSAY_RETURN_IF_ERROR(store_->put(i, ops::to_float16_saturated(distances)));
    progress->advance(i + 1);
    if (progress->stop_requested()) return Status::error(kInterrupted);
  }
  return Status();
}

Status DistanceTable::fill_on_gpus(const models::FeatureSource& features, const std::vector<int64_t>& images,
                                   const models::BankSpace& space, const References& references, Progress* progress,
                                   const Placement& placement) {
  std::vector<GpuBank> banks;
  for (const Device& device : placement.devices) {
    const ops::PackedBank bank(references.rows.to(device, "distance table"), "distance table");
    banks.push_back({space.to(device), bank, ops::Segments(references.offsets, bank)});
  }
  const std::vector<std::vector<int64_t>> batches = models::batches_of_one_size(features, images, placement.batch);
  constexpr int kThreadsPerDevice = 2;  // one reads and stores while the other computes
  std::mutex mutex;
  Status failure;
  int64_t done = 0;
  for_each_on_devices(placement, kThreadsPerDevice, static_cast<int64_t>(batches.size()), [&](int64_t k, size_t slot) {
    {
      const std::lock_guard<std::mutex> lock(mutex);
      if (!failure.ok()) return;
    }
    const std::vector<int64_t>& positions = batches[k];
    const models::FeatureGrid grid = features.read_batch(models::images_at(images, positions), placement.devices[slot]);
    const Tensor distances =
        ops::segment_minimum(banks[slot].space.project(grid), banks[slot].bank, banks[slot].segments);
    const Tensor half = ops::to_float16_saturated(distances).to(Device::cpu(), "distance table");
    const int64_t cells = grid.height * grid.width;
    Status status;
    for (int64_t b = 0; b < grid.batch && status.ok(); ++b) {
      status = store_->put(positions[b], half.rows(b * cells, (b + 1) * cells).clone("to_float16"));
    }
    const std::lock_guard<std::mutex> lock(mutex);
    progress->advance(done += grid.batch);
    if (status.ok() && progress->stop_requested()) status = Status::error(kInterrupted);
    if (failure.ok()) failure = status;
  });
  return failure;
}

int64_t DistanceTable::bytes_needed(const models::FeatureSource& features, const std::vector<int64_t>& images) {
  int64_t cells = 0;
  for (const int64_t image : images) cells += features.shape(image).height * features.shape(image).width;
  return cells * static_cast<int64_t>(images.size() * sizeof(Float16));
}

Tensor DistanceTable::rows_of(int64_t i) const { return ops::to_float32(store_->get(i)); }

}  // namespace assay::pipeline
