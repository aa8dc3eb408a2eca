// SPDX-License-Identifier: Apache-2.0
// Nearest neighbour by its definition, in double, and what the searches of a bank may be off by.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace assay::kernels::ref {

inline double distance2(const float* q, const float* x, int64_t dim) {
  double sum = 0;
  for (int64_t d = 0; d < dim; ++d) {
    const double difference = static_cast<double>(q[d]) - static_cast<double>(x[d]);
    sum += difference * difference;
  }
  return sum;
}

inline double norm(const float* x, int64_t dim) {
  double sum = 0;
  for (int64_t d = 0; d < dim; ++d) sum += static_cast<double>(x[d]) * static_cast<double>(x[d]);
  return std::sqrt(sum);
}

// How far |q|^2 - 2 (q.x - |x|^2 / 2) in float32 may lie from the squared distance: D products and sums, each half a
// unit in the last place of a partial sum that (|q| + |x|)^2 bounds.
inline double expansion_error(const float* q, const float* x, int64_t dim) {
  const double reach = norm(q, dim) + norm(x, dim);
  return static_cast<double>(dim + 4) * std::ldexp(1.0, -24) * reach * reach;
}

// All distances of one query, (N).
inline std::vector<double> distances2(const float* q, const std::vector<float>& bank, int64_t dim) {
  std::vector<double> all;
  for (size_t row = 0; row * dim < bank.size(); ++row) all.push_back(distance2(q, bank.data() + row * dim, dim));
  return all;
}

// Compulsory work of one search, for roofline figures.
inline double nearest_neighbour_flops(int64_t queries, int64_t rows, int64_t dim) {
  return 2.0 * static_cast<double>(queries) * static_cast<double>(rows) * static_cast<double>(dim);
}
inline double nearest_neighbour_bytes(int64_t queries, int64_t rows, int64_t dim) {
  return 4.0 * static_cast<double>((queries + rows) * dim) + 12.0 * static_cast<double>(queries);
}

}  // namespace assay::kernels::ref
