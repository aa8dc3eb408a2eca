// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/knn/bench_search.h"
#include "kernels/knn/top_k.h"
#include "kernels/knn/top_k_ref.h"
#include "tools/bench/case_list.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;

struct Nearest {
  Nearest(int64_t q, int64_t r, int64_t d, int64_t neighbours, bool by_bytes)
      : search(q, r, d),
        k(neighbours),
        distance2(q * k),
        index(q * k),
        workspace(top_k_workspace_bytes(testing::test_backend(), {q, r, d}, k, num_threads())) {
    if (by_bytes) search.add_bytes();
  }
  void find() {
    launch(top_k, {search.queries.data(), search.packed(), distance2.data(), index.data(), search.num_queries, k,
                   workspace.data(), workspace.size()});
  }
  // The distances of one query, place by place, whichever of two rows at the same distance was taken.
  bool holds(int64_t query) const {
    const std::vector<float> q = search.query(query), bank = search.bank(), found = distance2.values(query * k, k);
    const std::vector<int64_t> rows = index.values(query * k, k);
    const std::vector<ref::Neighbour> expected = ref::top_k(q.data(), bank, search.dim, k);
    for (int64_t i = 0; i < k; ++i) {
      if (rows[i] < 0 || rows[i] >= search.num_rows) return false;
      const double slack = 2 * ref::expansion_error(q.data(), bank.data() + rows[i] * search.dim, search.dim);
      if (!(std::abs(found[i] - expected[i].first) <= slack)) return false;
    }
    return true;
  }

  BenchSearch search;
  int64_t k;
  Buffer<float> distance2;  // (Q, k)
  Buffer<int64_t> index;    // (Q, k)
  Buffer<char> workspace;
};

PreparedCase prepare(int64_t queries, int64_t rows, int64_t dim, int64_t k, bool by_bytes) {
  const auto nearest = std::make_shared<Nearest>(queries, rows, dim, k, by_bytes);
  return {[nearest] { nearest->find(); },
          [nearest, queries] { return nearest->holds(0) && nearest->holds(queries - 1); }};
}

}  // namespace

std::vector<Case> top_k_cases(const Scale& s) {
  const int64_t shapes[][4] = {{4096, 8192, 152, 9}, {2048, 8192, 384, 9}, {784, 16384, 384, 64}, {512, 65536, 128, 9}};
  std::vector<Case> cases;
  for (const auto& shape : shapes) {
    const int64_t queries = s(shape[0]), rows = s(shape[1]), dim = s(shape[2]), k = shape[3];
    const double answer_bytes = 12.0 * static_cast<double>(queries * k);
    cases.push_back({"top_k", shape_text({queries, rows, dim}) + ":" + std::to_string(k),
                     ref::nearest_neighbour_flops(queries, rows, dim),
                     4.0 * static_cast<double>((queries + rows) * dim) + answer_bytes,
                     [=] { return prepare(queries, rows, dim, k, /*by_bytes=*/false); }});
    cases.back().prepare_base = [=] { return prepare_nearest_neighbour(queries, rows, dim); };
    if (testing::on_cuda() || !byte_banks_work()) continue;
    cases.push_back(cases.back());
    cases.back().kernel = "top_k/bytes";
    cases.back().prepare = [=] { return prepare(queries, rows, dim, k, /*by_bytes=*/true); };
    cases.back().prepare_base = [=] { return prepare(queries, rows, dim, k, /*by_bytes=*/false); };
  }
  return cases;
}

}  // namespace assay::bench
