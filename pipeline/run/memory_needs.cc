// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run/memory_needs.h"

#include <algorithm>

#include "models/detectors/memory_bank_detector.h"

namespace assay::pipeline {
namespace {

// Whether references are chosen among all patches, which lie in the bank's space for that: as they are read, and below
// each other.
bool chooses_among_all(const std::string& name, const models::DetectorOptions& options) {
  return name == "softpatch" ||
         (name == "patchcore" && options.patchcore.selector == models::PatchcoreOptions::Selector::kGreedy);
}

bool is_memory_bank(const std::string& name, const models::DetectorOptions& options) {
  const auto detector = models::make_detector(name, options);
  return detector.ok() && detector.value()->memory_bank() != nullptr;
}

}  // namespace

MemoryNeeds memory_needs(const RunOptions& options, int64_t num_images, double patches_per_image,
                         int64_t feature_width) {
  const double patches = static_cast<double>(num_images) * patches_per_image;
  MemoryNeeds needs;
  needs.feature_bytes = static_cast<int64_t>(patches * static_cast<double>(feature_width) * sizeof(Float16));
  const std::string first = first_detector(options);
  const bool has_bank = is_memory_bank(options.detector, options.detector_options);
  const bool has_table = !options.single_stage && is_memory_bank(first, options.detector_options);
  if (has_table) {
    needs.table_bytes = static_cast<int64_t>(patches * static_cast<double>(num_images) * sizeof(Float16));
  }
  if (has_bank || has_table) {
    const models::BankSpaceOptions& space = options.detector_options.patchcore.space;
    const double width = static_cast<double>(std::min(feature_width, space.width));
    needs.bank_bytes = static_cast<int64_t>(patches * space.reference_share * (2 * width + 1) * sizeof(float));
  }
  if (chooses_among_all(options.detector, options.detector_options) ||
      chooses_among_all(first, options.detector_options)) {
    const double width = static_cast<double>(std::min(feature_width, options.detector_options.softpatch.space.width));
    needs.bank_bytes = std::max(needs.bank_bytes, static_cast<int64_t>(patches * 2 * width * sizeof(float)));
  }
  return needs;
}

int64_t cached_bytes(const MemoryNeeds& needs, int64_t memory_limit) {
  const int64_t table = needs.table_bytes <= memory_limit ? std::min(needs.table_bytes, table_budget(memory_limit)) : 0;
  return std::min(needs.feature_bytes, feature_budget(memory_limit)) + table;
}

int64_t largest_memory_limit(const MemoryNeeds& needs, int64_t room) {
  constexpr int64_t kMiB = int64_t{1} << 20;
  // cached_bytes never falls where the limit rises.
  int64_t fits = kLeastMemoryLimit / kMiB;
  if (cached_bytes(needs, fits * kMiB) > room) return 0;
  int64_t all = std::max(fits, std::max(2 * needs.feature_bytes, 4 * needs.table_bytes) / kMiB + 1);
  if (cached_bytes(needs, all * kMiB) <= room) return all * kMiB;
  while (all - fits > 1) {
    const int64_t middle = fits + (all - fits) / 2;
    (cached_bytes(needs, middle * kMiB) <= room ? fits : all) = middle;
  }
  return fits * kMiB;
}

}  // namespace assay::pipeline
