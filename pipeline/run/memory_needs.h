// SPDX-License-Identifier: Apache-2.0
// What a run keeps in the host's memory, and which --memory-limit keeps that within what there is.
#pragma once

#include <cstdint>

#include "pipeline/run/options.h"

namespace assay::pipeline {

// Shares of --memory-limit. The rest is for what phases need beside them.
constexpr int64_t feature_budget(int64_t memory_limit) { return memory_limit / 2; }
constexpr int64_t table_budget(int64_t memory_limit) { return memory_limit / 4; }

constexpr int64_t kLeastMemoryLimit = int64_t{16} << 20;
constexpr int kBanksAtOnce = 2;  // stage 2: the final detector's and that of a fold

struct MemoryNeeds {
  int64_t feature_bytes = 0;  // of all training images
  int64_t table_bytes = 0;    // the table of distances; 0 where no stage uses one
  // Of a memory bank on its device: the references as rows, and packed for the search; where those are chosen among all
  // patches, these.
  int64_t bank_bytes = 0;
};

// Of `num_images` training images with about so many patches each.
MemoryNeeds memory_needs(const RunOptions& options, int64_t num_images, double patches_per_image,
                         int64_t feature_width);

// What features and distances take of the host's memory under a limit; the rest of them lies in a file. (A table beyond
// the limit is not made.)
int64_t cached_bytes(const MemoryNeeds& needs, int64_t memory_limit);
// The largest limit of whole MiB, in bytes, under which they take `room` at most, and no more than it takes to hold
// everything; 0 where it would have to be below kLeastMemoryLimit.
int64_t largest_memory_limit(const MemoryNeeds& needs, int64_t room);

}  // namespace assay::pipeline
