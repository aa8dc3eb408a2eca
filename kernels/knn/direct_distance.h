// SPDX-License-Identifier: Apache-2.0
// The squared distance of one query and one packed row by its definition, for the few rows that a search has chosen.
#pragma once

#include <cstdint>

#include "kernels/knn/packed_bank.h"

namespace assay::kernels {

// Sum of (q_d - x_d)^2 in double, rounded once; four partial sums keep the adder busy. 0 <= row < bank.rows.
inline float direct_distance2(const float* query, const PackedBank& bank, int64_t row) {
  const float* x = bank.panels + (row / kPanelRows) * (bank.dim + 1) * kPanelRows + kPanelRows + row % kPanelRows;
  int64_t stride = kPanelRows;
  if (bank.row_major != nullptr) {  // the same numbers in fewer cache lines
    x = bank.row_major + row * bank.dim;
    stride = 1;
  }
  double sum[4] = {0, 0, 0, 0};
  for (int64_t d = 0; d < bank.dim; ++d) {
    const double difference = static_cast<double>(query[d]) - x[d * stride];
    sum[d % 4] += difference * difference;
  }
  return static_cast<float>((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

}  // namespace assay::kernels
