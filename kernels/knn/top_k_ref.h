// SPDX-License-Identifier: Apache-2.0
// The k nearest rows by their definition, in double.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "kernels/knn/nearest_neighbour_ref.h"

namespace assay::kernels::ref {

using Neighbour = std::pair<double, int64_t>;  // distance2, row

inline std::vector<Neighbour> top_k(const float* q, const std::vector<float>& bank, int64_t dim, int64_t k) {
  std::vector<Neighbour> all;
  for (const double distance2 : distances2(q, bank, dim)) all.emplace_back(distance2, static_cast<int64_t>(all.size()));
  std::sort(all.begin(), all.end());
  all.resize(std::min<size_t>(all.size(), k));
  return all;
}

}  // namespace assay::kernels::ref
