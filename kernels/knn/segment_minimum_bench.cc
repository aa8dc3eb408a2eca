// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/knn/bench_search.h"
#include "kernels/knn/segment_minimum.h"
#include "kernels/knn/segment_minimum_ref.h"
#include "tools/bench/case.h"
#include "tools/bench/launch.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;

constexpr int64_t kRowsPerSegment = 78;  // a tenth of the patches of a 28 x 28 grid

struct Table {
  Table(int64_t q, int64_t r, int64_t d) : search(q, r, d), offsets{0} {
    while (offsets.back() < r) offsets.push_back(std::min(r, offsets.back() + kRowsPerSegment));
    cells.resize(q * segments());
  }
  int64_t segments() const { return static_cast<int64_t>(offsets.size()) - 1; }
  void fill() {
    launch(segment_minimum, SegmentMinimumArgs{search.queries.data(), search.packed.view(), offsets.data(),
                                               cells.data(), search.num_queries, segments(), segments(),
                                               search.workspace.data(), search.workspace.size()});
  }
  bool holds(int64_t query) const {
    for (int64_t j = 0; j < segments(); ++j) {
      const ref::SegmentDistance expected = ref::segment_minimum(search.queries.data() + query * search.dim,
                                                                 search.bank, offsets[j], offsets[j + 1], search.dim);
      if (!(std::abs(cells[query * segments() + j] - expected.distance2) <= expected.tolerance)) return false;
    }
    return true;
  }

  BenchSearch search;
  std::vector<int64_t> offsets;
  std::vector<float> cells;  // (Q, J)
};

PreparedCase prepare(int64_t queries, int64_t rows, int64_t dim) {
  const auto table = std::make_shared<Table>(queries, rows, dim);
  return {
      [table] { table->fill(); },
      [table] { table->search.nearest(); },
      [table] { return table->holds(0) && table->holds(table->search.num_queries - 1); },
  };
}

}  // namespace

std::vector<Case> segment_minimum_cases() {
  const int64_t shapes[][3] = {{4096, 7800, 64}, {4096, 7800, 152}, {2048, 7800, 384}, {2048, 3900, 1024}};
  std::vector<Case> cases;
  for (const auto& [queries, rows, dim] : shapes) {
    const double table_bytes = 4.0 * static_cast<double>(queries) * static_cast<double>(rows) / kRowsPerSegment;
    cases.push_back({"segment_minimum", search_shape(queries, rows, dim),
                     ref::nearest_neighbour_flops(queries, rows, dim),
                     4.0 * static_cast<double>((queries + rows) * dim) + table_bytes,
                     [q = queries, r = rows, d = dim] { return prepare(q, r, d); }});
  }
  return cases;
}

}  // namespace assay::bench
