// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/knn/bench_search.h"
#include "kernels/knn/byte_bank.h"
#include "kernels/knn/nearest_neighbour_ref.h"
#include "kernels/matmul/gemm.h"
#include "kernels/matmul/gemm_ref.h"
#include "tools/bench/case_list.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;

// The products of all queries and rows, stored.
struct Products {
  Buffer<float> queries, bank, y;
};

PreparedCase prepare_product(int64_t queries, int64_t rows, int64_t dim) {
  const auto p = std::make_shared<Products>(
      Products{samples(queries * dim, 1), samples(rows * dim, 2), Buffer<float>(queries * rows)});
  return {
      [=] {
        launch(gemm, {p->queries.data(), p->bank.data(), p->y.data(), queries, rows, dim, dim, dim, rows, false, true});
      },
      [=] {
        const std::vector<float> q = p->queries.values(0, dim), x = p->bank.values(0, dim);
        const ref::GemmElement e =
            ref::gemm_element(GemmArgs{q.data(), x.data(), nullptr, 1, 1, dim, dim, dim, 1, false, true}, 0, 0);
        return begins_with(p->y, {e.value}, static_cast<double>(dim) * 0x1p-23 * e.magnitude);
      }};
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
                     [=] { return prepare_nearest_neighbour(queries, rows, dim); }});
    cases.back().prepare_base = [=] { return prepare_product(queries, rows, dim); };
  }
  if (testing::on_cuda() || !byte_banks_work()) return cases;
  const int64_t screened[][3] = {{2048, 1024, 128}, {4096, 8192, 128},  {4096, 8192, 152},
                                 {2048, 8192, 384}, {2048, 4096, 1024}, {512, 131072, 128}};
  for (const auto& shape : screened) {
    const int64_t queries = s(shape[0]), rows = s(shape[1]), dim = s(shape[2]);
    cases.push_back({"nearest_neighbour/bytes", shape_text({queries, rows, dim}),
                     ref::nearest_neighbour_flops(queries, rows, dim), ref::nearest_neighbour_bytes(queries, rows, dim),
                     [=] { return prepare_nearest_neighbour(queries, rows, dim, /*by_bytes=*/true); }});
    cases.back().prepare_base = [=] { return prepare_nearest_neighbour(queries, rows, dim); };
  }
  return cases;
}

}  // namespace assay::bench
