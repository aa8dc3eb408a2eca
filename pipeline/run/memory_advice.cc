// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run/memory_advice.h"

#include <algorithm>
#include <memory>

#include "pipeline/features/image_features.h"
#include "pipeline/stage1/distance_table.h"

namespace assay::pipeline {
namespace {

// Where no batch was too large, it is the detector.
std::string advice_on_gpu(const RunOptions& options) {
  const auto detector = models::make_detector(options.detector, options.detector_options, Device::cpu());
  if (!detector.ok()) return "";
  if (detector.value()->memory_bank() != nullptr) return "; a smaller --reference-share takes less";
  const bool can_recompute = options.detector == "dinomaly" && !options.detector_options.dinomaly.recompute;
  return can_recompute ? "; --recompute takes less" : "";
}

// The limit under which what is kept of features and distances would have left room for what was asked for, and for
// the references that are yet to come.
std::string advice_on_memory_limit(const RunOptions& options, const MemoryNeeds& needs, const OutOfMemory& shortage) {
  int64_t kept = 0, others = 0;
  for (const auto& [tag, bytes] : shortage.held_bytes()) {
    (tag == ImageFeatures::kMemoryTag || tag == DistanceTable::kMemoryTag ? kept : others) += bytes;
  }
  const int64_t banks = options.placement.on_cpu() ? kBanksAtOnce * needs.bank_bytes : 0;
  const int64_t to_come = std::max<int64_t>(0, banks - others);
  const int64_t room = kept + shortage.free_bytes() - shortage.bytes() - to_come;
  const int64_t fits = largest_memory_limit(needs, room - room / 20);  // allocators waste a little
  if (fits == 0) return "; no --memory-limit makes room for that: see --image-size";
  // Otherwise features and distances are not what lies there.
  const bool keeps_less = cached_bytes(needs, fits) < cached_bytes(needs, options.memory_limit);
  return keeps_less ? text("; --memory-limit=", fits >> 20, "M fits") : "";
}

}  // namespace

std::optional<MemoryNeeds> needs_of_training(const RunState& run, const models::PatchFeatures& extractor) {
  for (const ImageContent& image : run.data.train_images) {
    const Result<Tensor> input = load_input(image.path, run.options.features.input_size);
    if (!input.ok()) continue;
    const auto cells = [&](int axis) {
      return (input.value().dim(axis) + extractor.stride() - 1) / extractor.stride();
    };
    return memory_needs(run.options, static_cast<int64_t>(run.data.train_images.size()),
                        static_cast<double>(cells(0) * cells(1)), extractor.width());
  }
  return std::nullopt;
}

std::string memory_advice(const RunState& run, const OutOfMemory& shortage) {
  if (!shortage.device().is_cpu()) return advice_on_gpu(run.options);
  return run.needs ? advice_on_memory_limit(run.options, *run.needs, shortage) : "";
}

}  // namespace assay::pipeline
