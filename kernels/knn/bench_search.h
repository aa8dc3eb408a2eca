// SPDX-License-Identifier: Apache-2.0
// Queries and a packed bank, filled and ready to be searched, for the benchmarks of this folder.
#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/knn/byte_bank.h"
#include "kernels/knn/nearest_neighbour.h"
#include "kernels/knn/nearest_neighbour_ref.h"
#include "tools/bench/case.h"
#include "tools/bench/launch.h"
#include "tools/bench/samples.h"

namespace assay::bench {

struct BenchSearch {
  BenchSearch(int64_t q, int64_t r, int64_t d)
      : num_queries(q),
        num_rows(r),
        dim(d),
        queries(samples(q * d, 1, -1.5, 2)),
        panels(kernels::packed_bank_bytes(r, d) / static_cast<int64_t>(sizeof(float))),
        distance2(q),
        index(q),
        workspace(kernels::nearest_neighbour_workspace_bytes(testing::test_backend(), {q, r, d}, num_threads())) {
    const Buffer<float> rows(bank());
    launch(kernels::pack_bank, {rows.data(), panels.data(), num_rows, dim});
  }
  // From now on searches may use bytes. On the CPU, where byte_banks_work.
  void add_bytes() {
    row_major = std::make_unique<Buffer<float>>(bank());
    bytes = std::make_unique<Buffer<std::byte>>(kernels::byte_bank_bytes(num_rows, dim));
    kernels::PackedBank plain = packed();
    plain.row_major = row_major->data();
    ASSAY_CHECK(kernels::pack_byte_bank(plain, bytes->data()), "the bank of a benchmark cannot be searched by bytes");
    has_bytes = true;
  }
  kernels::PackedBank packed() const {
    kernels::PackedBank bank = {panels.data(), num_rows, dim};
    if (has_bytes) bank.row_major = row_major->data(), bank.byte_panels = bytes->data();
    return bank;
  }
  void nearest() {
    launch(kernels::nearest_neighbour,
           {queries.data(), packed(), distance2.data(), index.data(), num_queries, workspace.data(), workspace.size()});
  }
  // (N, D): not kept, since no search reads it.
  std::vector<float> bank() const { return sample_values(num_rows * dim, 2, -1.5, 2); }
  std::vector<float> query(int64_t i) const { return queries.values(i * dim, dim); }
  // Whether the row found for a query is the nearest.
  bool holds(int64_t i) const {
    namespace ref = kernels::ref;
    const std::vector<float> q = query(i), rows = bank();
    const int64_t row = index.values(i, 1)[0];
    if (row < 0 || row >= num_rows) return false;
    const float* chosen = rows.data() + row * dim;
    const double found = ref::distance2(q.data(), chosen, dim);
    for (int64_t other = 0; other < num_rows; ++other) {
      const float* x = rows.data() + other * dim;
      const double slack = ref::expansion_error(q.data(), x, dim) + ref::expansion_error(q.data(), chosen, dim);
      if (!(found <= ref::distance2(q.data(), x, dim) + slack)) return false;
    }
    return std::abs(distance2.values(i, 1)[0] - found) <= 1e-6 * found;
  }

  int64_t num_queries, num_rows, dim;
  Buffer<float> queries;  // (Q, D)
  Buffer<float> panels;
  Buffer<float> distance2;  // (Q)
  Buffer<int64_t> index;    // (Q)
  Buffer<char> workspace;
  std::unique_ptr<Buffer<float>> row_major;  // (N, D)
  std::unique_ptr<Buffer<std::byte>> bytes;
  bool has_bytes = false;
};

inline PreparedCase prepare_nearest_neighbour(int64_t queries, int64_t rows, int64_t dim, bool by_bytes = false) {
  const auto s = std::make_shared<BenchSearch>(queries, rows, dim);
  if (by_bytes) s->add_bytes();
  return {[s] { s->nearest(); }, [s] { return s->holds(0) && s->holds(s->num_queries - 1); }};
}

}  // namespace assay::bench
