// SPDX-License-Identifier: Apache-2.0
// A sequential reader of one Philox stream, for host code that draws numbers one after the other.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/random/philox.h"

namespace assay::kernels {

class Generator {
 public:
  // Streams of one seed are independent of each other; give each purpose its own.
  explicit Generator(uint64_t seed, uint64_t stream = 0) : seed_(seed), stream_(stream) {}

  uint32_t bits();             // 32 random bits
  double uniform();            // [0, 1), 53 random bits
  double normal();             // mean 0, variance 1 (Box and Muller 1958)
  uint64_t below(uint64_t n);  // 0 .. n - 1 without bias, n >= 1

 private:
  uint64_t seed_;
  uint64_t stream_;
  uint64_t next_block_ = 0;
  PhiloxBlock block_ = {};
  int used_ = 4;
};

// The numbers 0 .. n - 1 in random order (Fisher and Yates).
std::vector<int64_t> random_permutation(int64_t n, Generator& generator);

// `count` of the numbers 0 .. n - 1, ascending, each set of that size equally likely. 0 <= count <= n (assay::Error).
std::vector<int64_t> random_sample(int64_t n, int64_t count, Generator& generator);

}  // namespace assay::kernels
