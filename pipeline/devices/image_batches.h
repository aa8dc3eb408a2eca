// SPDX-License-Identifier: Apache-2.0
// Many images through GPUs: the CPU's threads load, batches of one size go to the GPUs, what comes back is finished by
// the CPU's threads again, all at the same time.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "engine/tensor/tensor.h"
#include "kernels/base/status.h"
#include "pipeline/devices/placement.h"
#include "pipeline/run/progress.h"

namespace assay::pipeline {

// Image i, (H, W, 3) uint8 on the CPU; nothing where it is to be left out. Called from several threads at once. An
// error ends the whole.
using LoadImage = std::function<Result<std::optional<Tensor>>(int64_t i)>;

// What remains to be done for one image once its results lie on the CPU. An error ends the whole.
using FinishImage = std::function<Status()>;

// Computes a batch: `pixels` (B, H, W, 3) uint8 lies on the slot's device, images[b] is what pixels[b] is. Called from
// threads of the devices, with the device's current stream; returns when its results lie on the CPU.
using ComputeBatch =
    std::function<std::vector<FinishImage>(size_t slot, const std::vector<int64_t>& images, const Tensor& pixels)>;

// Gives back what ComputeBatch keeps on the slot's device for its next batch. Called while no batch is computed.
using ReleaseIdle = std::function<void(size_t slot)>;

// Loads images 0 .. count - 1, computes and finishes each, and reports how many are done. Which images share a batch
// depends on their order and sizes alone, so results repeat even where a library's kernel depends on the batch. Returns
// the first error, or kInterrupted where progress asks to stop; exceptions of a body are thrown again here. Where a
// GPU's memory was too small for a batch, some of its images are computed again to say which batch fits
// (batch_advice.h). GPUs only.
Status run_in_batches(const Placement& placement, int64_t count, const LoadImage& load, const ComputeBatch& compute,
                      const ReleaseIdle& release, Progress* progress);

}  // namespace assay::pipeline
