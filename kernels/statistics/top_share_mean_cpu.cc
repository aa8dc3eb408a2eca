// SPDX-License-Identifier: Apache-2.0
// Parallel over rows. The lowest of the k values is selected, those above it are gathered, and what is missing to k are
// equals of it.
#include <algorithm>
#include <limits>
#include <numeric>

#include "kernels/base/parallel.h"
#include "kernels/statistics/select_rank.h"
#include "kernels/statistics/top_share_mean.h"

namespace assay::kernels {
namespace {

// scratch: (k)
double top_mean(const float* x, int64_t n, int64_t k, float* scratch) {
  const float lowest = select_rank(x, n, nullptr, n - k);
  const uint32_t lowest_key = ordered_key(lowest);
  float* end = std::copy_if(x, x + n, scratch, [&](float v) { return ordered_key(v) > lowest_key; });
  std::fill(end, scratch + k, lowest);
  const bool has_nan = std::any_of(scratch, scratch + k, [](float v) { return v != v; });
  if (has_nan) return std::numeric_limits<double>::quiet_NaN();  // there is no order to sum in
  std::sort(scratch, scratch + k);
  return std::accumulate(scratch, scratch + k, 0.0) / static_cast<double>(k);
}

}  // namespace

void top_share_mean_cpu(const TopShareMeanArgs& a) {
  const int64_t k = top_share_count(a.cols, a.share);
  float* scratch = static_cast<float*>(a.workspace);
  parallel_for(a.rows, 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      a.mean[row] = top_mean(a.x + row * a.cols, a.cols, k, scratch + row * k);
    }
  });
}

}  // namespace assay::kernels
