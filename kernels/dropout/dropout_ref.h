// SPDX-License-Identifier: Apache-2.0
// Dropout element by element in double from the one generator, and the cases of the tests.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/random/philox.h"

namespace assay::kernels::ref {

// Around Philox blocks, vectors of blocks, the CPU's batch of 1024, and its piece of 65536.
inline const std::vector<int64_t> kDropoutCounts = {0,  1,  2,  3,  4,    5,    7,    8,    9,    15,    16,
                                                    17, 31, 33, 63, 1021, 1023, 1024, 1025, 1030, 65535, 65537};

inline bool is_kept(double probability, uint64_t seed, uint64_t stream, int64_t element) {
  const uint32_t word = philox_block(seed, stream, static_cast<uint64_t>(element) / 4).x[element % 4];
  return static_cast<double>(word >> 8) / 0x1p24 >= probability;
}

inline double dropout(double x, double probability, uint64_t seed, uint64_t stream, int64_t element) {
  return is_kept(probability, seed, stream, element) ? x / (1 - probability) : 0;
}

inline double dropout_bytes(int64_t count) { return 8.0 * count; }

}  // namespace assay::kernels::ref
