// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/knn/bench_search.h"
#include "kernels/knn/top_k.h"
#include "kernels/knn/top_k_ref.h"
#include "tools/bench/case.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;

struct Nearest {
  Nearest(int64_t q, int64_t r, int64_t d, int64_t neighbours)
      : search(q, r, d), k(neighbours), distance2(q * k), index(q * k) {}
  void find() {
    run(top_k, TopKArgs{search.queries.data(), search.packed.view(), distance2.data(), index.data(), search.num_queries,
                        k, search.workspace.data(), search.workspace.size()});
  }
  // The distances of one query, place by place, whichever of two rows at the same distance was taken.
  bool holds(int64_t query) const {
    const float* q = search.queries.data() + query * search.dim;
    const std::vector<ref::Neighbour> expected = ref::top_k(q, search.bank, search.dim, k);
    for (int64_t i = 0; i < k; ++i) {
      const double slack =
          2 * ref::expansion_error(q, search.bank.data() + index[query * k + i] * search.dim, search.dim);
      if (!(std::abs(distance2[query * k + i] - expected[i].first) <= slack)) return false;
    }
    return true;
  }

  BenchSearch search;
  int64_t k;
  std::vector<float> distance2;  // (Q, k)
  std::vector<int64_t> index;    // (Q, k)
};

}  // namespace

std::vector<Case> top_k_cases() {
  const int64_t shapes[][4] = {{4096, 8192, 152, 9}, {2048, 8192, 384, 9}, {784, 16384, 384, 64}};
  std::vector<Case> cases;
  for (const auto& [queries, rows, dim, k] : shapes) {
    const double answer_bytes = 12.0 * static_cast<double>(queries * k);
    cases.push_back({"top_k", search_shape(queries, rows, dim) + ":" + std::to_string(k),
                     ref::nearest_neighbour_flops(queries, rows, dim),
                     4.0 * static_cast<double>((queries + rows) * dim) + answer_bytes,
                     [q = queries, r = rows, d = dim, n = k]() -> PreparedCase {
                       const auto nearest = std::make_shared<Nearest>(q, r, d, n);
                       return {[nearest] { nearest->find(); }, [nearest] { nearest->search.nearest(); },
                               [nearest, q] { return nearest->holds(0) && nearest->holds(q - 1); }};
                     }});
  }
  return cases;
}

}  // namespace assay::bench
