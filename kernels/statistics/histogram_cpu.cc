// SPDX-License-Identifier: Apache-2.0
// Pieces in parallel, each into counters of its own, which are added when the piece is done: integers, so in any order.
#include <algorithm>
#include <mutex>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/statistics/histogram.h"

namespace assay::kernels {

constexpr int64_t kValuesPerPiece = 1 << 17;  // some 200 microseconds

void histogram_cpu(const HistogramArgs& a) {
  const double bins_per_unit = static_cast<double>(a.bins) / (a.high - a.low);
  std::mutex counts_mutex;
  parallel_for(a.count, std::max(kValuesPerPiece, a.bins), [&](int64_t begin, int64_t end) {
    std::vector<int64_t> own(a.bins, 0);
    for (int64_t i = begin; i < end; ++i) {
      const int64_t bin = histogram_bin(a.x[i], a, bins_per_unit);
      if (bin >= 0) ++own[bin];
    }
    const std::lock_guard<std::mutex> lock(counts_mutex);
    for (int64_t bin = 0; bin < a.bins; ++bin) a.counts[bin] += own[bin];
  });
}

}  // namespace assay::kernels
