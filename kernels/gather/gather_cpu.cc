// SPDX-License-Identifier: Apache-2.0
// Bound by memory; rows are copied whole.
#include <algorithm>
#include <cstring>
#include <limits>

#include "kernels/base/parallel.h"
#include "kernels/gather/gather.h"

namespace assay::kernels {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr int64_t kElementsPerPiece = 1 << 15;  // 256 KiB in and out: long enough to hide the hand-out

int64_t rows_per_piece(int64_t cols) { return std::max<int64_t>(kElementsPerPiece / std::max<int64_t>(cols, 1), 1); }

}  // namespace

void gather_rows_cpu(const GatherRowsArgs& a) {
  if (a.cols == 0) return;
  parallel_for(a.rows, rows_per_piece(a.cols), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      float* y = a.y + r * a.cols;
      if (a.index[r] >= 0 && a.index[r] < a.x_rows) {
        std::memcpy(y, a.x + a.index[r] * a.cols, a.cols * sizeof(float));
      } else {
        std::fill(y, y + a.cols, kNaN);
      }
    }
  });
}

void gather_columns_cpu(const GatherColumnsArgs& a) {
  parallel_for(a.rows, rows_per_piece(a.cols), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const float* x = a.x + r * a.x_cols;
      float* y = a.y + r * a.cols;
      for (int64_t c = 0; c < a.cols; ++c) y[c] = a.index[c] >= 0 && a.index[c] < a.x_cols ? x[a.index[c]] : kNaN;
    }
  });
}

void place_columns_cpu(const PlaceColumnsArgs& a) {
  if (a.cols == 0) return;
  parallel_for(a.rows, rows_per_piece(a.cols), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      std::memcpy(a.y + r * a.y_cols + a.begin, a.x + r * a.cols, a.cols * sizeof(float));
    }
  });
}

}  // namespace assay::kernels
