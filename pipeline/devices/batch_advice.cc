// SPDX-License-Identifier: Apache-2.0
#include "pipeline/devices/batch_advice.h"

#include <algorithm>
#include <optional>
#include <string>

#include "engine/device/stream.h"
#include "kernels/base/status.h"

namespace assay::pipeline {
namespace {

// Of what is free: an allocator hands out whole pages, and CUDA itself takes some memory later on.
constexpr double kUsableShare = 0.95;

class Trials {
 public:
  Trials(Device gpu, int at_once, const TryBatch& compute) : gpu_(gpu), at_once_(at_once), compute_(compute) {}

  // What a batch takes; nothing where there is not so much.
  std::optional<int64_t> bytes_of(int64_t batch) const {
    synchronise_all(gpu_);  // what was there before goes back in the order of its streams
    const MemoryMeter meter(gpu_);
    try {
      compute_(batch);
    } catch (const OutOfMemory& shortage) {
      if (shortage.device() != gpu_) throw;
      return std::nullopt;
    }
    return meter.peak_bytes();
  }

  // For each of the batches that are computed at the same time.
  int64_t room() const {
    synchronise_all(gpu_);
    return static_cast<int64_t>(kUsableShare * static_cast<double>(free_memory_bytes(gpu_))) / at_once_;
  }

 private:
  const Device gpu_;
  const int at_once_;
  const TryBatch& compute_;
};

}  // namespace

int64_t largest_batch(Device gpu, int64_t largest, int at_once, const TryBatch& compute) {
  const Trials trials(gpu, at_once, compute);
  if (largest < 1 || !trials.bytes_of(1)) return 0;  // also brings weights there, which no batch takes again
  const int64_t one = trials.bytes_of(1).value_or(0);
  const int64_t room = trials.room();
  if (one > room) return 0;
  if (largest < 2) return 1;
  const std::optional<int64_t> two = trials.bytes_of(2);
  if (!two || *two > room) return 1;
  const int64_t each = std::max<int64_t>(1, *two - one);
  // Buffers that are cut in pieces, or rounded, make the bytes of a batch anything but linear: the answer is tried.
  for (int64_t batch = std::min(largest, 1 + (room - one) / each); batch > 2;) {
    const std::optional<int64_t> taken = trials.bytes_of(batch);
    if (taken && *taken <= room) return batch;
    const double share = taken ? static_cast<double>(room) / static_cast<double>(*taken) : 0.5;
    batch = std::min(batch - 1, static_cast<int64_t>(static_cast<double>(batch) * share));
  }
  return 2;
}

void throw_with_advice(const OutOfMemory& shortage, int64_t tried, int at_once, const TryBatch& compute) {
  if (shortage.device().is_cpu()) throw OutOfMemory(shortage);
  const int64_t fits = largest_batch(shortage.device(), tried - 1, at_once, compute);
  const std::string advice =
      fits > 0 ? text("--batch=", fits, " fits") : std::string("and no smaller batch fits: see --image-size");
  throw Error(text(shortage.what(), "; computing ", tried, " images at once, ", advice));
}

}  // namespace assay::pipeline
