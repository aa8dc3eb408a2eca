// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/knn/bench_search.h"
#include "kernels/knn/segment_minimum.h"
#include "kernels/knn/segment_minimum_ref.h"
#include "tools/bench/case_list.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;

constexpr int64_t kRowsPerSegment = 78;  // a tenth of the patches of a 28 x 28 grid

std::vector<int64_t> segment_offsets(int64_t rows) {
  std::vector<int64_t> offsets = {0};
  while (offsets.back() < rows) offsets.push_back(std::min(rows, offsets.back() + kRowsPerSegment));
  return offsets;
}

struct Table {
  Table(int64_t q, int64_t r, int64_t d)
      : search(q, r, d),
        host_offsets(segment_offsets(r)),
        segments(static_cast<int64_t>(host_offsets.size()) - 1),
        offsets(host_offsets),
        cells(q * segments),
        workspace(segment_minimum_workspace_bytes(testing::test_backend(), {q, r, d}, num_threads())) {}
  void fill() {
    launch(segment_minimum, {search.queries.data(), search.packed(), offsets.data(), cells.data(), search.num_queries,
                             segments, segments, workspace.data(), workspace.size()});
  }
  bool holds(int64_t query) const {
    const std::vector<float> found = cells.values(query * segments, segments), bank = search.bank(),
                             q = search.query(query);
    for (int64_t j = 0; j < segments; ++j) {
      const ref::SegmentDistance expected =
          ref::segment_minimum(q.data(), bank, host_offsets[j], host_offsets[j + 1], search.dim);
      if (!(std::abs(found[j] - expected.distance2) <= expected.tolerance)) return false;
    }
    return true;
  }

  BenchSearch search;
  std::vector<int64_t> host_offsets;
  int64_t segments;
  Buffer<int64_t> offsets;
  Buffer<float> cells;  // (Q, J)
  Buffer<char> workspace;
};

PreparedCase prepare(int64_t queries, int64_t rows, int64_t dim) {
  const auto table = std::make_shared<Table>(queries, rows, dim);
  return {
      [table] { table->fill(); },
      [table] { return table->holds(0) && table->holds(table->search.num_queries - 1); },
  };
}

}  // namespace

std::vector<Case> segment_minimum_cases(const Scale& s) {
  const int64_t shapes[][3] = {{4096, 7800, 64}, {4096, 7800, 152}, {2048, 7800, 384}, {2048, 3900, 1024}};
  std::vector<Case> cases;
  for (const auto& shape : shapes) {
    const int64_t queries = s(shape[0]), rows = s(shape[1]), dim = s(shape[2]);
    const double table_bytes = 4.0 * static_cast<double>(queries) * static_cast<double>(rows) / kRowsPerSegment;
    cases.push_back(
        {"segment_minimum", shape_text({queries, rows, dim}), ref::nearest_neighbour_flops(queries, rows, dim),
         4.0 * static_cast<double>((queries + rows) * dim) + table_bytes, [=] { return prepare(queries, rows, dim); }});
    cases.back().prepare_base = [=] { return prepare_nearest_neighbour(queries, rows, dim); };
  }
  return cases;
}

}  // namespace assay::bench
