// SPDX-License-Identifier: Apache-2.0
// References in a bank space, packed for the search: what detectors with a memory bank fit, score with and save.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/ops/nearest_neighbour.h"
#include "engine/ops/packed_bank.h"
#include "kernels/base/status.h"
#include "models/features/feature_grid.h"
#include "models/memory_bank/bank_space.h"

namespace assay::models {

// Copies share their memory, which never changes.
class MemoryBank {
 public:
  // rows: (N, width of the space) float32, N >= 1, on the space's device.
  MemoryBank(const BankSpace& space, const Tensor& rows);

  int64_t size() const { return rows_.dim(0); }
  // The nearest reference of each cell of a grid, by squared distance in the space; cells in the grid's order.
  ops::NearestNeighbour nearest(const FeatureGrid& grid) const;

  // Tensors NAME.bank and those of the space, on the CPU; the description has the space's, under "space".
  nlohmann::json save(const std::string& name, std::map<std::string, Tensor>* tensors) const;
  // What save gave, checked: untrusted input. `name` is also what errors begin with.
  static Result<MemoryBank> load(const std::string& name, const nlohmann::json& description,
                                 const std::map<std::string, Tensor>& tensors, Device device);

 private:
  BankSpace space_;
  Tensor rows_;  // (N, W)
  ops::PackedBank packed_;
};

// Matrices of `width` columns, on the device, below each other in new storage there.
Tensor concatenate_rows(const std::vector<Tensor>& parts, int64_t width, Device device);

// `count` of the rows (N, D), 1 <= count <= N, by greedy k-center from a row that the seed chooses: their numbers,
// int64, on the rows' device (engine/ops/coreset_greedy.h).
Tensor greedy_coreset(const Tensor& rows, int64_t count, uint64_t seed);
// The number of references that a coreset of a share of `num_rows` has: at least one.
int64_t coreset_size(double ratio, int64_t num_rows);

}  // namespace assay::models
