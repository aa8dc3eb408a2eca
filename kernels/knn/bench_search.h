// SPDX-License-Identifier: Apache-2.0
// Queries and a packed bank, filled and ready to be searched, for the benchmarks of this folder.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/knn/nearest_neighbour.h"
#include "tools/bench/launch.h"
#include "tools/bench/samples.h"

namespace assay::bench {

struct BenchSearch {
  BenchSearch(int64_t q, int64_t r, int64_t d)
      : num_queries(q),
        num_rows(r),
        dim(d),
        queries(samples(q * d, 1, -1.5, 2)),
        bank(samples(r * d, 2, -1.5, 2)),
        panels(kernels::packed_bank_bytes(r, d) / static_cast<int64_t>(sizeof(float))),
        distance2(q),
        index(q),
        workspace(kernels::nearest_neighbour_workspace_bytes(testing::test_backend(), {q, r, d}, num_threads())) {
    launch(kernels::pack_bank, {bank.data(), panels.data(), num_rows, dim});
  }
  kernels::PackedBank packed() const { return {panels.data(), num_rows, dim}; }
  void nearest() {
    launch(kernels::nearest_neighbour,
           {queries.data(), packed(), distance2.data(), index.data(), num_queries, workspace.data(), workspace.size()});
  }
  std::vector<float> query(int64_t i) const { return queries.values(i * dim, dim); }

  int64_t num_queries, num_rows, dim;
  Buffer<float> queries;  // (Q, D)
  Buffer<float> bank;     // (N, D)
  Buffer<float> panels;
  Buffer<float> distance2;  // (Q)
  Buffer<int64_t> index;    // (Q)
  Buffer<char> workspace;
};

}  // namespace assay::bench
