// SPDX-License-Identifier: Apache-2.0
// Packs one panel a piece of work: a transposition of 32 rows, bound by memory. The half norms are summed in double, so
// that they add nothing to the error of a search.
#include <algorithm>
#include <limits>

#include "kernels/base/parallel.h"
#include "kernels/knn/packed_bank.h"

namespace assay::kernels {
namespace {

void pack_panel(const PackBankArgs& a, int64_t first_row, float* panel) {
  const int64_t rows = std::min(kPanelRows, a.num_rows - first_row);
  float* features = panel + kPanelRows;
  if (rows < kPanelRows) std::fill(features, features + a.dim * kPanelRows, 0.0f);
  for (int64_t r = 0; r < kPanelRows; ++r) {
    if (r >= rows) {
      panel[r] = -std::numeric_limits<float>::infinity();
      continue;
    }
    const float* x = a.rows + (first_row + r) * a.dim;  // (D)
    double squared_norm = 0;
    for (int64_t d = 0; d < a.dim; ++d) {
      squared_norm += static_cast<double>(x[d]) * x[d];
      features[d * kPanelRows + r] = x[d];
    }
    panel[r] = static_cast<float>(-0.5 * squared_norm);
  }
}

}  // namespace

void pack_bank_cpu(const PackBankArgs& a) {
  const int64_t panels = (a.num_rows + kPanelRows - 1) / kPanelRows;
  parallel_for(panels, 8, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) pack_panel(a, p * kPanelRows, a.panels + p * (a.dim + 1) * kPanelRows);
  });
}

}  // namespace assay::kernels
