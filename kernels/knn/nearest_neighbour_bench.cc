// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/knn/bench_search.h"
#include "kernels/knn/nearest_neighbour_ref.h"
#include "kernels/matmul/gemm.h"
#include "tools/bench/case.h"
#include "tools/bench/launch.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;

bool row_is_nearest(const BenchSearch& s, int64_t query) {
  const float* q = s.queries.data() + query * s.dim;
  const float* chosen = s.bank.data() + s.index[query] * s.dim;
  const double found = ref::distance2(q, chosen, s.dim);
  for (int64_t row = 0; row < s.num_rows; ++row) {
    const float* x = s.bank.data() + row * s.dim;
    const double slack = ref::expansion_error(q, x, s.dim) + ref::expansion_error(q, chosen, s.dim);
    if (!(found <= ref::distance2(q, x, s.dim) + slack)) return false;
  }
  return std::abs(s.distance2[query] - found) <= 1e-6 * found;
}

PreparedCase prepare(int64_t queries, int64_t rows, int64_t dim) {
  const auto s = std::make_shared<BenchSearch>(queries, rows, dim);
  const auto product = std::make_shared<std::vector<float>>(queries * rows);
  return {
      [s] { s->nearest(); },
      [s, product] {
        launch(gemm, GemmArgs{s->queries.data(), s->bank.data(), product->data(), s->num_queries, s->num_rows, s->dim,
                              s->dim, s->dim, s->num_rows, false, true});
      },
      [s] { return row_is_nearest(*s, 0) && row_is_nearest(*s, s->num_queries - 1); },
  };
}

}  // namespace

std::vector<Case> nearest_neighbour_cases() {
  const int64_t shapes[][3] = {{4096, 8192, 64},  {4096, 8192, 128},  {4096, 8192, 152}, {2048, 8192, 256},
                               {2048, 8192, 512}, {2048, 4096, 1024}, {784, 16384, 384}};
  std::vector<Case> cases;
  for (const auto& [queries, rows, dim] : shapes) {
    cases.push_back({"nearest_neighbour", search_shape(queries, rows, dim),
                     ref::nearest_neighbour_flops(queries, rows, dim), ref::nearest_neighbour_bytes(queries, rows, dim),
                     [q = queries, r = rows, d = dim] { return prepare(q, r, d); }});
  }
  return cases;
}

}  // namespace assay::bench
