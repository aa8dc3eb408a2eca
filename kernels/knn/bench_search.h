// SPDX-License-Identifier: Apache-2.0
// Queries and a packed bank, filled and ready to be searched, for the benchmarks of this folder.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/knn/nearest_neighbour.h"
#include "kernels/knn/test_banks.h"
#include "tools/bench/launch.h"

namespace assay::bench {

inline std::string search_shape(int64_t queries, int64_t rows, int64_t dim) {
  return std::to_string(queries) + "x" + std::to_string(rows) + "x" + std::to_string(dim);
}

struct BenchSearch {
  BenchSearch(int64_t q, int64_t r, int64_t d)
      : num_queries(q),
        num_rows(r),
        dim(d),
        queries(kernels::testing::random_rows(q, d, 1)),
        bank(kernels::testing::random_rows(r, d, 2)),
        packed(bank, d),
        distance2(q),
        index(q),
        workspace(kernels::nearest_neighbour_workspace_bytes(testing::test_backend(), {q, r, d}, num_threads()), 0) {}
  void nearest() {
    launch(kernels::nearest_neighbour,
           kernels::NearestNeighbourArgs{queries.data(), packed.view(), distance2.data(), index.data(), num_queries,
                                         workspace.data(), workspace.size()});
  }

  int64_t num_queries, num_rows, dim;
  std::vector<float> queries;  // (Q, D)
  std::vector<float> bank;     // (N, D)
  kernels::testing::TestBank packed;
  std::vector<float> distance2;  // (Q)
  std::vector<int64_t> index;    // (Q)
  testing::GuardedBuffer<char> workspace;
};

}  // namespace assay::bench
