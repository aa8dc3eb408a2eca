// SPDX-License-Identifier: Apache-2.0
#include "pipeline/devices/image_batches.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>
#include <string>

#include "pipeline/devices/batch_assembler.h"
#include "tests/support/backend.h"

namespace assay::pipeline {
namespace {

// Image i: of one of five sizes, every pixel i.
Tensor image_of(int64_t i) {
  const Tensor image = Tensor::empty<uint8_t>({4 + i % 5, 6, 3}, "test");
  std::fill_n(image.data<uint8_t>(), image.size(), static_cast<uint8_t>(i));
  return image;
}

Placement gpus(int64_t batch, int count = 1) {
  Placement placement;
  placement.batch = batch;
  placement.devices.clear();
  for (int i = 0; i < count; ++i) placement.devices.push_back(Device::cuda(i));
  return placement;
}

bool has_two_gpus() { return devices_from_name("cuda:1").ok(); }

std::vector<std::vector<int64_t>> numbers(const std::vector<ImageBatch>& batches) {
  std::vector<std::vector<int64_t>> all;
  for (const ImageBatch& b : batches) all.push_back(b.images);
  return all;
}

TEST_CASE("the assembler puts images of one size together, in their order, and leaves none out") {
  BatchAssembler assembler(2);
  std::vector<ImageBatch> ready;
  for (const int64_t i : {0, 1, 5, 6, 2, 10}) assembler.add(i, image_of(i), &ready);
  CHECK(numbers(ready) == std::vector<std::vector<int64_t>>{{0, 5}, {1, 6}});
  assembler.flush(&ready);
  CHECK(numbers(ready) == std::vector<std::vector<int64_t>>{{0, 5}, {1, 6}, {2}, {10}});
  for (const ImageBatch& b : ready) {
    for (size_t k = 0; k < b.images.size(); ++k) {
      CHECK(b.pixels[k].data<uint8_t>()[0] == b.images[k]);
      CHECK(b.pixels[k].shape() == b.pixels[0].shape());
    }
  }
}

TEST_CASE("of many sizes the one that waits longest goes without being full") {
  BatchAssembler assembler(3);
  std::vector<ImageBatch> ready;
  for (int64_t i = 0; i < 5; ++i) assembler.add(i, image_of(i), &ready);
  CHECK(numbers(ready) == std::vector<std::vector<int64_t>>{{0}});
}

TEST_CASE("a loop over devices runs everything once, and throws what a body throws") {
  Placement placement;
  if (testing::on_cuda()) placement = gpus(1, has_two_gpus() ? 2 : 1);
  std::vector<std::atomic<int>> runs(40);
  for_each_on_devices(placement, 2, 40, [&](int64_t i, size_t slot) {
    CHECK(slot < placement.devices.size());
    ++runs[i];
  });
  for (const auto& r : runs) CHECK(r == 1);
  CHECK_THROWS_WITH(for_each_on_devices(placement, 2, 40,
                                        [](int64_t i, size_t) {
                                          if (i == 7) throw Error("seven");
                                        }),
                    "seven");
}

struct Outcome {
  Status status;
  std::set<int64_t> finished;
  std::set<std::vector<int64_t>> batches;
};

// Runs `count` images; each pixel must arrive on the device as it was.
Outcome run(const Placement& placement, int64_t count, Progress* progress, int64_t left_out = -1, int64_t bad = -1) {
  Outcome outcome;
  std::mutex mutex;
  const auto load = [&](int64_t i) -> Result<std::optional<Tensor>> {
    if (i == bad) return Status::error("image ", i, " is bad");
    if (i == left_out) return std::optional<Tensor>();
    return std::optional<Tensor>(image_of(i));
  };
  const auto compute = [&](size_t slot, const std::vector<int64_t>& images, const Tensor& pixels) {
    CHECK(pixels.device() == placement.devices[slot]);
    CHECK(pixels.dim(0) == static_cast<int64_t>(images.size()));
    const Tensor host = pixels.to(Device::cpu(), "test");
    {
      const std::lock_guard<std::mutex> lock(mutex);
      outcome.batches.insert(images);
    }
    std::vector<FinishImage> finishers;
    for (size_t b = 0; b < images.size(); ++b) {
      const int64_t row = static_cast<int64_t>(b);
      finishers.push_back([&, i = images[b], image = host.rows(row, row + 1)] {
        bool same = true;
        for (int64_t p = 0; p < image.size(); ++p) same = same && image.data<uint8_t>()[p] == i;
        const std::lock_guard<std::mutex> lock(mutex);
        CHECK(same);
        CHECK(outcome.finished.insert(i).second);
        return Status();
      });
    }
    return finishers;
  };
  outcome.status = run_in_batches(
      placement, count, load, compute, [](size_t) {}, progress);
  return outcome;
}

TEST_CASE("every image goes through the devices once, in batches that do not depend on their number") {
  if (!testing::on_cuda()) return;  // GPUs only
  Progress progress;
  const Outcome one = run(gpus(4), 101, &progress, /*left_out=*/17);
  REQUIRE(one.status.ok());
  CHECK(one.finished.size() == 100);
  CHECK(one.finished.count(17) == 0);
  for (const auto& b : one.batches) CHECK(b.size() <= 4);
  if (has_two_gpus()) CHECK(run(gpus(4, 2), 101, &progress, 17).finished == one.finished);
  CHECK(run(gpus(1), 5, &progress).batches.size() == 5);
  CHECK(run(gpus(4), 0, &progress).status.ok());
}

TEST_CASE("an image that ends the run, and a wish to stop, end it") {
  if (!testing::on_cuda()) return;  // GPUs only
  Progress progress;
  CHECK(run(gpus(4), 50, &progress, -1, /*bad=*/30).status.message() == "image 30 is bad");
  struct Stop : Progress {
    bool stop_requested() override { return true; }
  } stop;
  CHECK(run(gpus(4), 50, &stop).status.message() == kInterrupted);
}

}  // namespace
}  // namespace assay::pipeline
