// SPDX-License-Identifier: Apache-2.0
// Which batch fits a GPU, measured on that GPU.
#pragma once

#include <cstdint>
#include <functional>

#include "engine/memory/usage.h"

namespace assay::pipeline {

// Computes a batch of `n` images on the GPU as the real work does, and lets go of all buffers that depend on it.
using TryBatch = std::function<void(int64_t n)>;

// The largest batch of at most `largest` images, 0 where not even one image fits, of which `at_once` can be computed at
// the same time in what the GPU has free now. Tries a few small ones for the bytes of each image and then the answer
// itself. Nobody else may be using the GPU from this process. A shortage of the host's memory is thrown on.
int64_t largest_batch(Device gpu, int64_t largest, int at_once, const TryBatch& compute);

// Throws the shortage again, as an Error that says which batch fits, `tried` being what did not. What it was the host
// that had no memory for is thrown as it is.
[[noreturn]] void throw_with_advice(const OutOfMemory& shortage, int64_t tried, int at_once, const TryBatch& compute);

}  // namespace assay::pipeline
