// SPDX-License-Identifier: Apache-2.0
#include "models/detectors/patchcore.h"

#include <numeric>
#include <utility>

#include "engine/ops/gather.h"
#include "kernels/base/parallel.h"

namespace assay::models {
namespace {

constexpr char kName[] = "patchcore";

// The cells of one image that may enter the bank.
std::vector<int64_t> candidate_cells(const BankSpace& space, PatchcoreOptions::Selector selector, int64_t num_cells,
                                     uint64_t content_key) {
  if (selector == PatchcoreOptions::Selector::kRandom) return space.reference_cells(num_cells, content_key);
  std::vector<int64_t> cells(num_cells);
  std::iota(cells.begin(), cells.end(), 0);
  return cells;
}

// Of an image's cells, given their rows, `count` or as many as there are: each the farthest from those taken before.
std::vector<int64_t> farthest_cells(const Tensor& rows, const std::vector<int64_t>& cells, int64_t count,
                                    uint64_t seed) {
  if (static_cast<int64_t>(cells.size()) <= count) return cells;
  const Tensor candidates = ops::gather_rows(rows, cells, "memory bank");
  const Tensor chosen = greedy_coreset(candidates, count, seed).to(Device::cpu(), "memory bank");
  std::vector<int64_t> farthest;
  for (int64_t i = 0; i < count; ++i) farthest.push_back(cells[chosen.data<int64_t>()[i]]);
  return farthest;
}

}  // namespace

const char* selector_name(PatchcoreOptions::Selector selector) {
  switch (selector) {
    case PatchcoreOptions::Selector::kRandom:
      return "random";
    case PatchcoreOptions::Selector::kFarthest:
      return "farthest";
    case PatchcoreOptions::Selector::kGreedy:
      return "greedy";
  }
  throw Error("selector out of range");
}

Result<PatchcoreOptions::Selector> selector_from_name(const std::string& name) {
  using Selector = PatchcoreOptions::Selector;
  for (const Selector selector : {Selector::kRandom, Selector::kFarthest, Selector::kGreedy}) {
    if (name == selector_name(selector)) return selector;
  }
  return Status::error("selector '", name, "': expected random, farthest or greedy");
}

void Patchcore::fit(const FeatureSource& features, const std::vector<int64_t>& images, const FitOptions& options) {
  fit_without(features, images, {}, options);
}

void Patchcore::fit_without(const FeatureSource& features, const std::vector<int64_t>& images,
                            const ExcludedCells& excluded, const FitOptions& options) {
  ASSAY_CHECK(!images.empty(), "patchcore: fit to no images");
  const BankSpace space = BankSpace::fit(features, images, options_.space, options.seed, excluded, device_);
  const std::vector<int64_t> order = by_content(features, images);
  std::vector<Tensor> parts(order.size());
  parallel_for(static_cast<int64_t>(order.size()), 1, [&](int64_t i, int64_t) {
    const FeatureGrid grid = features.read(order[i]);
    const Tensor rows = space.project(grid);
    const uint64_t content_key = features.content_key(order[i]);
    std::vector<int64_t> cells = candidate_cells(space, options_.selector, rows.dim(0), content_key);
    drop_excluded(excluded, order[i], rows.dim(0), &cells);
    if (options_.selector == PatchcoreOptions::Selector::kFarthest) {
      cells = farthest_cells(rows, cells, space.num_reference_cells(rows.dim(0)), options.seed ^ content_key);
    }
    parts[i] = ops::gather_rows(rows, cells, "memory bank");
  });
  if (options.progress && !options.progress(0.5)) throw Cancelled();
  Tensor rows = concatenate_rows(parts, space.width(), device_);
  parts.clear();
  ASSAY_CHECK(rows.dim(0) > 0, "patchcore: no patch is left to fit to");
  if (options_.selector == PatchcoreOptions::Selector::kGreedy) {
    const int64_t count = coreset_size(options_.coreset_ratio, rows.dim(0));
    rows = ops::gather_rows(rows, greedy_coreset(rows, count, options.seed), "memory bank");
  }
  bank_.emplace(space, rows);
}

Tensor Patchcore::score(const FeatureGrid& grid) const {
  ASSAY_CHECK(bank_.has_value(), "patchcore: score before fit");
  const Tensor distance2 = bank_->nearest(grid).distance2;
  return grid.batch == 1 ? distance2.reshape({grid.height, grid.width})
                         : distance2.reshape({grid.batch, grid.height, grid.width});
}

nlohmann::json Patchcore::save(std::map<std::string, Tensor>* tensors) const {
  ASSAY_CHECK(bank_.has_value(), "patchcore: save before fit");
  return bank_->save(kName, tensors);
}

Status Patchcore::load(const nlohmann::json& description, const std::map<std::string, Tensor>& tensors) {
  Result<MemoryBank> bank = MemoryBank::load(kName, description, tensors, device_);
  if (!bank.ok()) return bank.status();
  bank_ = std::move(bank).value();
  return Status();
}

}  // namespace assay::models
