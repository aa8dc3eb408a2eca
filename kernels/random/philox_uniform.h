// SPDX-License-Identifier: Apache-2.0
// Uniform numbers in [0, 1), 24 random bits each: y[i] is word i mod 4 of block first_block + floor(i / 4) of a Philox
// stream (philox.h). A pure function of seed, stream and place, so the bits are the same on every backend, for any
// number of threads, and a longer array begins with a shorter one. On the CPU by parallel_for. The op layer has checked
// shapes; kernels do not check again.
#pragma once

#include <cstdint>

#include "kernels/base/kernel_table.h"

namespace assay::kernels {

struct PhiloxUniformArgs {
  float* y;       // (count)
  int64_t count;  // >= 0
  uint64_t seed;
  uint64_t stream;
  uint64_t first_block = 0;  // where an earlier fill of n numbers ended: its first_block + ceil(n / 4)
};
extern const KernelTable<PhiloxUniformArgs> philox_uniform;

}  // namespace assay::kernels
