// SPDX-License-Identifier: Apache-2.0
// One selection on the CPU: the value of rank `rank` among n values. See radix_select.h.
#pragma once

#include <cstdint>

#include "kernels/statistics/ordered_key.h"

namespace assay::kernels {

inline float select_rank(const float* x, int64_t n, const float* center, int64_t rank) {
  uint32_t prefix = 0;
  for (int shift = 24; shift >= 0; shift -= 8) {
    int64_t counts[256] = {};
    for (int64_t i = 0; i < n; ++i) {
      const uint32_t key = ordered_key(ranked_value(x[i], center));
      // Two shifts, because the first pass has no higher bytes and a shift by 32 is undefined.
      if (((key ^ prefix) >> shift) >> 8 == 0) ++counts[key >> shift & 255];
    }
    uint32_t byte = 0;
    while (rank >= counts[byte]) rank -= counts[byte++];
    prefix |= byte << shift;
  }
  return key_value(prefix);
}

}  // namespace assay::kernels
