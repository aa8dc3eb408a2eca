// SPDX-License-Identifier: Apache-2.0
// Parallel over rows.
#include "kernels/base/parallel.h"
#include "kernels/statistics/median_mad.h"
#include "kernels/statistics/select_rank.h"

namespace assay::kernels {
namespace {

float median_of(const float* x, int64_t n, const float* center) {
  const int64_t rank = first_middle_rank(n);
  const float low = select_rank(x, n, center, rank);
  if (num_middle_values(n) == 1) return low;
  return static_cast<float>((static_cast<double>(low) + select_rank(x, n, center, rank + 1)) / 2);
}

}  // namespace

void median_mad_cpu(const MedianMadArgs& a) {
  parallel_for(a.rows, 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const float* x = a.x + row * a.cols;
      a.median[row] = median_of(x, a.cols, nullptr);
      if (a.mad != nullptr) a.mad[row] = median_of(x, a.cols, a.median + row);
    }
  });
}

}  // namespace assay::kernels
