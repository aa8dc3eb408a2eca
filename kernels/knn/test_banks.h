// SPDX-License-Identifier: Apache-2.0
// Rows and banks that the tests of this folder search.
#pragma once

#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "kernels/knn/packed_bank.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/staging.h"

namespace assay::kernels::testing {

inline std::vector<float> random_rows(int64_t rows, int64_t dim, uint32_t seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0.3f, 1.0f);
  std::vector<float> x(rows * dim);
  for (float& v : x) v = normal(generator);
  return x;
}

// Small whole numbers: every product and sum is exact in float32, so ties are real ties.
inline std::vector<float> whole_rows(int64_t rows, int64_t dim, uint32_t seed) {
  std::mt19937 generator(seed);
  std::vector<float> x(rows * dim);
  for (float& v : x) v = static_cast<float>(generator() % 5) - 2.0f;
  return x;
}

// A bank between guard bands, packed by the backend under test.
class TestBank {
 public:
  TestBank(const std::vector<float>& rows, int64_t dim)
      : rows_(static_cast<int64_t>(rows.size()) / dim), dim_(dim), panels_(packed_bank_bytes(rows_, dim) / 4, 0) {
    assay::testing::Staging staging;
    run(pack_bank, PackBankArgs{staging.in(rows), staging.out(panels_), rows_, dim_}, staging.stream());
    staging.finish();
    packed_ = panels_.values();
  }
  // On the backend under test. Read back by staging.finish(), so that untouched() sees what a kernel did to it.
  PackedBank view(assay::testing::Staging& staging) { return {staging.in(panels_), rows_, dim_}; }
  // On the CPU.
  PackedBank view() { return {panels_.data(), rows_, dim_}; }
  SearchShape shape(int64_t num_queries) const { return {num_queries, rows_, dim_}; }
  const std::vector<float>& panels() const { return packed_; }
  // Nothing has written into the bank or beside it since it was packed.
  bool untouched() const {
    return panels_.guards_intact() &&
           (packed_.empty() || std::memcmp(packed_.data(), panels_.values().data(), packed_.size() * 4) == 0);
  }

 private:
  int64_t rows_;
  int64_t dim_;
  assay::testing::GuardedBuffer<float> panels_;
  std::vector<float> packed_;
};

}  // namespace assay::kernels::testing
