// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/knn/bench_search.h"
#include "kernels/knn/nearest_neighbour_ref.h"
#include "kernels/matmul/gemm.h"
#include "tools/bench/case_list.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;

bool finds_nearest(const BenchSearch& s, int64_t query) {
  const std::vector<float> q = s.query(query), bank = s.bank.values();
  const int64_t row = s.index.values(query, 1)[0];
  if (row < 0 || row >= s.num_rows) return false;
  const float* chosen = bank.data() + row * s.dim;
  const double found = ref::distance2(q.data(), chosen, s.dim);
  for (int64_t other = 0; other < s.num_rows; ++other) {
    const float* x = bank.data() + other * s.dim;
    const double slack = ref::expansion_error(q.data(), x, s.dim) + ref::expansion_error(q.data(), chosen, s.dim);
    if (!(found <= ref::distance2(q.data(), x, s.dim) + slack)) return false;
  }
  return std::abs(s.distance2.values(query, 1)[0] - found) <= 1e-6 * found;
}

PreparedCase prepare(int64_t queries, int64_t rows, int64_t dim) {
  const auto s = std::make_shared<BenchSearch>(queries, rows, dim);
  const auto product = std::make_shared<Buffer<float>>(queries * rows);
  return {
      [s] { s->nearest(); },
      [s, product] {
        launch(gemm, {s->queries.data(), s->bank.data(), product->data(), s->num_queries, s->num_rows, s->dim, s->dim,
                      s->dim, s->num_rows, false, true});
      },
      [s] { return finds_nearest(*s, 0) && finds_nearest(*s, s->num_queries - 1); },
  };
}

}  // namespace

std::vector<Case> nearest_neighbour_cases(const Scale& s) {
  const int64_t shapes[][3] = {{4096, 8192, 64},  {4096, 8192, 128},  {4096, 8192, 152}, {2048, 8192, 256},
                               {2048, 8192, 512}, {2048, 4096, 1024}, {784, 16384, 384}};
  std::vector<Case> cases;
  for (const auto& shape : shapes) {
    const int64_t queries = s(shape[0]), rows = s(shape[1]), dim = s(shape[2]);
    cases.push_back({"nearest_neighbour", shape_text({queries, rows, dim}),
                     ref::nearest_neighbour_flops(queries, rows, dim), ref::nearest_neighbour_bytes(queries, rows, dim),
                     [=] { return prepare(queries, rows, dim); }});
  }
  return cases;
}

}  // namespace assay::bench
