// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage1/distance_table.h"

#include <algorithm>
#include <mutex>

#include "engine/device/stream.h"
#include "engine/memory/usage.h"
#include "engine/ops/convert_float16.h"
#include "engine/ops/packed_bank.h"
#include "engine/ops/segment_minimum.h"
#include "kernels/base/parallel.h"
#include "pipeline/devices/batch_advice.h"

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

const std::vector<int64_t>& largest_of(const std::vector<std::vector<int64_t>>& batches) {
  return *std::max_element(batches.begin(), batches.end(),
                           [](const auto& a, const auto& b) { return a.size() < b.size(); });
}

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
  const ops::PackedBank bank(references.rows, "distance table", ops::PackedBank::Bytes::kNone);
  const ops::Segments segments(references.offsets, bank);
  for (int64_t i = 0; i < num_images_; ++i) {
    const Tensor queries = space.project(features.read(images[i]));
    const Tensor distances = ops::segment_minimum(queries, bank, segments);
    // An infinity would turn a map, and with it the image's score, into NaN.
    ASSAY_RETURN_IF_ERROR(store_->put(i, ops::to_float16_saturated(distances, kMemoryTag)));
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
  // On the CPU, for the images at some positions.
  const auto distances_of = [&](const std::vector<int64_t>& positions, size_t slot) {
    const models::FeatureGrid grid = features.read_batch(models::images_at(images, positions), placement.devices[slot]);
    const Tensor distances =
        ops::segment_minimum(banks[slot].space.project(grid), banks[slot].bank, banks[slot].segments);
    return ops::to_float16_saturated(distances).to(Device::cpu(), "distance table");
  };
  std::mutex mutex;
  Status failure;
  int64_t done = 0;
  const auto fill = [&](int64_t k, size_t slot) {
    {
      const std::lock_guard<std::mutex> lock(mutex);
      if (!failure.ok()) return;
    }
    const std::vector<int64_t>& positions = batches[k];
    const Tensor half = distances_of(positions, slot);
    const int64_t size = static_cast<int64_t>(positions.size());
    const int64_t cells = half.dim(0) / size;
    Status status;
    for (int64_t b = 0; b < size && status.ok(); ++b) {
      status = store_->put(positions[b], half.rows(b * cells, (b + 1) * cells).clone(kMemoryTag));
    }
    const std::lock_guard<std::mutex> lock(mutex);
    progress->advance(done += size);
    if (status.ok() && progress->stop_requested()) status = Status::error(kInterrupted);
    if (failure.ok()) failure = status;
  };
  try {
    for_each_on_devices(placement, kThreadsPerDevice, static_cast<int64_t>(batches.size()), fill);
  } catch (const OutOfMemory& shortage) {
    const std::vector<int64_t>& tried = largest_of(batches);
    throw_with_advice(shortage, static_cast<int64_t>(tried.size()), kThreadsPerDevice, [&](int64_t n) {
      const auto slot = std::find(placement.devices.begin(), placement.devices.end(), shortage.device());
      (void)distances_of({tried.begin(), tried.begin() + n}, static_cast<size_t>(slot - placement.devices.begin()));
    });
  }
  return failure;
}

int64_t DistanceTable::bytes_needed(const models::FeatureSource& features, const std::vector<int64_t>& images) {
  int64_t cells = 0;
  for (const int64_t image : images) cells += features.shape(image).height * features.shape(image).width;
  return cells * static_cast<int64_t>(images.size() * sizeof(Float16));
}

Tensor DistanceTable::rows_of(int64_t i) const { return ops::to_float32(store_->get(i)); }

}  // namespace assay::pipeline
