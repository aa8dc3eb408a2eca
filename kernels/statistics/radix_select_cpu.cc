// SPDX-License-Identifier: Apache-2.0
// Parallel over values asked for; a row of an anomaly map stays in the second-level cache for its four passes.
#include "kernels/base/parallel.h"
#include "kernels/statistics/radix_select.h"
#include "kernels/statistics/select_rank.h"

namespace assay::kernels {

void radix_select_cpu(const RadixSelectArgs& a) {
  parallel_for(a.rows * a.num_ranks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t row = i / a.num_ranks, rank = a.first_rank + i % a.num_ranks;
      a.value[i] = select_rank(a.x + row * a.cols, a.cols, a.center == nullptr ? nullptr : a.center + row, rank);
    }
  });
}

}  // namespace assay::kernels
