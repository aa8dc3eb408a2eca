// SPDX-License-Identifier: Apache-2.0
// The squares, exact in double, are added one after the other. Vectors would add them in another order, and features
// that were cached before would differ in their last bit from those computed since.
#include <algorithm>
#include <cmath>

#include "kernels/base/parallel.h"
#include "kernels/elementwise/normalise_rows.h"

namespace assay::kernels {
namespace {

constexpr int64_t kElementsPerPiece = 1 << 15;  // tens of microseconds: long enough to hide the hand-out

}  // namespace

void normalise_rows_cpu(const NormaliseRowsArgs& a) {
  const int64_t grain = std::max<int64_t>(kElementsPerPiece / std::max<int64_t>(a.cols, 1), 1);
  parallel_for(a.rows, grain, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const float* x = a.x + r * a.cols;
      float* y = a.y + r * a.y_cols + a.begin;
      double square = 0;
      for (int64_t c = 0; c < a.cols; ++c) square += static_cast<double>(x[c]) * x[c];
      const double scale = square > 0 ? 1 / std::sqrt(square) : 1;  // beyond float's range for tiny rows
      for (int64_t c = 0; c < a.cols; ++c) y[c] = static_cast<float>(scale * x[c]);
    }
  });
}

}  // namespace assay::kernels
