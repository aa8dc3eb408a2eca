// SPDX-License-Identifier: Apache-2.0
#include "models/detectors/patchcore.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/device/stream.h"
#include "engine/ops/coreset_greedy.h"
#include "engine/ops/gather.h"
#include "engine/ops/nearest_neighbour.h"
#include "kernels/base/parallel.h"
#include "kernels/random/generator.h"

namespace assay::models {
namespace {

constexpr uint64_t kCoresetStream = 0x636f7265736574ull;

// The cells of one image that may enter the bank, but for excluded ones.
std::vector<int64_t> candidate_cells(const BankSpace& space, PatchcoreOptions::Selector selector, int64_t num_cells,
                                     uint64_t content_key) {
  std::vector<int64_t> cells;
  if (selector == PatchcoreOptions::Selector::kRandom) {
    cells = space.reference_cells(num_cells, content_key);
  } else {
    for (int64_t cell = 0; cell < num_cells; ++cell) cells.push_back(cell);
  }
  return cells;
}

Tensor concatenate(const std::vector<Tensor>& parts, int64_t width, Device device) {
  int64_t total = 0;
  for (const Tensor& part : parts) total += part.dim(0);
  const Tensor all = Tensor::empty<float>({total, width}, "memory bank", device);
  int64_t begin = 0;
  for (const Tensor& part : parts) {
    copy(part, all.rows(begin, begin + part.dim(0)), current_stream(device));
    begin += part.dim(0);
  }
  return all;
}

}  // namespace

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
    const int64_t num_cells = grid.rows.dim(0);
    std::vector<int64_t> cells = candidate_cells(space, options_.selector, num_cells, features.content_key(order[i]));
    drop_excluded(excluded, order[i], num_cells, &cells);
    parts[i] = ops::gather_rows(space.project(grid), cells, "memory bank");
  });
  if (options.progress && !options.progress(0.5)) throw Cancelled();
  Tensor rows = concatenate(parts, space.width(), device_);
  parts.clear();
  ASSAY_CHECK(rows.dim(0) > 0, "patchcore: no patch is left to fit to");
  if (options_.selector == PatchcoreOptions::Selector::kGreedy) {
    kernels::Generator generator(options.seed, kCoresetStream);
    const int64_t start = static_cast<int64_t>(generator.below(static_cast<uint64_t>(rows.dim(0))));
    const int64_t count = std::max<int64_t>(1, std::llround(options_.coreset_ratio * static_cast<double>(rows.dim(0))));
    rows = ops::gather_rows(rows, ops::coreset_greedy(rows, count, start).index, "memory bank");
  }
  bank_.emplace(rows);
  space_ = space;
  rows_ = rows;
}

Tensor Patchcore::score(const FeatureGrid& grid) const {
  ASSAY_CHECK(bank_.has_value(), "patchcore: score before fit");
  const ops::NearestNeighbour nearest = ops::nearest_neighbour(space_.project(grid), *bank_);
  return grid.batch == 1 ? nearest.distance2.reshape({grid.height, grid.width})
                         : nearest.distance2.reshape({grid.batch, grid.height, grid.width});
}

nlohmann::json Patchcore::save(std::map<std::string, Tensor>* tensors) const {
  ASSAY_CHECK(bank_.has_value(), "patchcore: save before fit");
  (*tensors)["patchcore.bank"] = rows_.to(Device::cpu(), "model");
  return {{"space", space_.save(tensors)}};
}

Status Patchcore::load(const nlohmann::json& description, const std::map<std::string, Tensor>& tensors) {
  const auto described = description.find("space");
  const auto rows = tensors.find("patchcore.bank");
  if (described == description.end() || rows == tensors.end()) return Status::error("patchcore: the bank is missing");
  Result<BankSpace> space = BankSpace::load(*described, tensors, device_);
  if (!space.ok()) return Status::error("patchcore: ", space.message());
  const Tensor& bank = rows->second;
  if (bank.dtype() != DType::kFloat32 || bank.rank() != 2 || bank.dim(0) < 1 || bank.dim(1) != space.value().width()) {
    return Status::error("patchcore: a bank of shape ", to_string(bank.shape()), ", expected (N, ",
                         space.value().width(), ") float32");
  }
  for (int64_t i = 0; i < bank.size(); ++i) {
    if (!std::isfinite(bank.data<float>()[i]))
      return Status::error("patchcore: the bank holds a number that is not finite");
  }
  space_ = std::move(space).value();
  rows_ = bank.to(device_, "memory bank");
  bank_.emplace(rows_);
  return Status();
}

}  // namespace assay::models
