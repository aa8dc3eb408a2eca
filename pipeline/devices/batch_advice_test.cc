// SPDX-License-Identifier: Apache-2.0
// On a GPU, where free memory is what this process leaves of it. The CPU computes image by image and has no batch.
#include "pipeline/devices/batch_advice.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "engine/device/device.h"
#include "engine/device/stream.h"
#include "engine/memory/storage.h"
#include "pipeline/devices/image_batches.h"
#include "tests/support/backend.h"

namespace assay::pipeline {
namespace {

const Device kGpu = Device::cuda(0);

int64_t free_share(int64_t numerator, int64_t denominator) {
  synchronise_all(kGpu);
  return free_memory_bytes(kGpu) / denominator * numerator;
}

template <class Call>
std::string message_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST_CASE("the largest batch is what fits so many times, weights and fixed buffers taken off") {
  if (!testing::on_cuda()) return;              // GPUs only
  const int64_t unit = free_share(1, 100) - 1;  // no more than a hundredth, rounded or not
  std::optional<Storage> weights;               // 20 units, once
  const auto compute = [&](int64_t n) {
    if (!weights) weights.emplace(20 * unit, "weights", kGpu);
    const Storage fixed(5 * unit, "fixed", kGpu);
    const Storage each(n * unit, "each", kGpu);
  };
  // 0.95 * (100 - 20) = 76 units: 71 images at once, or two batches of 38 units.
  CHECK(largest_batch(kGpu, 1000, 1, compute) == 71);
  CHECK(largest_batch(kGpu, 1000, 2, compute) == 33);
  CHECK(largest_batch(kGpu, 1000, 12, compute) == 1);
  CHECK(largest_batch(kGpu, 1000, 14, compute) == 0);
  CHECK(largest_batch(kGpu, 30, 2, compute) == 30);
  CHECK(largest_batch(kGpu, 0, 2, compute) == 0);
}

TEST_CASE("a batch that takes more than its images promised is tried and made smaller") {
  if (!testing::on_cuda()) return;              // GPUs only
  const int64_t unit = free_share(1, 100) - 1;  // no more than a hundredth, rounded or not
  int64_t most = 0;
  const auto square = [&](int64_t n) {
    const Storage all(n * n * unit, "square", kGpu);
    most = std::max(most, n);
  };
  const int64_t batch = largest_batch(kGpu, 1000, 1, square);
  CHECK(batch >= 2);
  CHECK(batch <= 9);  // 81 units of 95
  CHECK(most >= batch);
}

Placement gpus(int64_t batch) {
  Placement placement;
  placement.batch = batch;
  placement.devices = {kGpu};
  return placement;
}

// 40 images of one size through one GPU; each takes `bytes` while it is computed.
Status run(int64_t batch, int64_t bytes) {
  const auto load = [](int64_t) -> Result<std::optional<Tensor>> {
    return std::optional<Tensor>(Tensor::zeros<uint8_t>({4, 6, 3}, "test"));
  };
  const auto compute = [&](size_t, const std::vector<int64_t>& images, const Tensor&) {
    const Storage features(bytes * static_cast<int64_t>(images.size()), "features", kGpu);
    return std::vector<FinishImage>();
  };
  Progress progress;
  return run_in_batches(
      gpus(batch), 40, load, compute, [](size_t) {}, &progress);
}

TEST_CASE("a GPU without memory for a batch is an error that names the largest that fits, and that one does") {
  if (!testing::on_cuda()) return;  // GPUs only
  const int64_t bytes = free_share(1, 10);
  const std::string message = message_of([&] { (void)run(16, bytes).ok(); });
  CAPTURE(message);
  CHECK(message.find("features: out of memory on cuda:0, " + std::to_string(16 * bytes) + " bytes asked for, ") == 0);
  CHECK(message.find("; computing 16 images at once, --batch=4 fits") != std::string::npos);
  CHECK(run(4, bytes).ok());
  CHECK(free_share(1, 10) >= bytes - 1);  // nothing is left of either
}

TEST_CASE("a GPU without memory for one image says that no batch fits") {
  if (!testing::on_cuda()) return;  // GPUs only
  const std::string message = message_of([&] { (void)run(8, free_share(2, 1)).ok(); });
  CAPTURE(message);
  CHECK(message.find("; computing 8 images at once, and no smaller batch fits: see --image-size") != std::string::npos);
}

TEST_CASE("what the host has no memory for is no matter of the batch") {
  if (!testing::on_cuda()) return;  // GPUs only
  const OutOfMemory shortage("image staging", Device::cpu(), 1000);
  bool is_tried = false;
  CHECK_THROWS_AS(throw_with_advice(shortage, 8, 2, [&](int64_t) { is_tried = true; }), OutOfMemory);
  CHECK(!is_tried);
}

}  // namespace
}  // namespace assay::pipeline
