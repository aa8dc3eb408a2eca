// SPDX-License-Identifier: Apache-2.0
// Arrays of float32 to bfloat16 (the upper half of a float32) and back.
//
// float32 -> bfloat16 rounds to nearest, ties to even; what rounds beyond the largest finite bfloat16 gives infinity.
// bfloat16 -> float32 is exact. A NaN stays a NaN, with its sign and the upper six bits of its payload, made quiet on
// its way to bfloat16. The same bits on every instruction set and backend.
#pragma once

#include <cstdint>

#include "kernels/base/kernel_table.h"

namespace assay::kernels {

struct ToBfloat16Args {
  const float* x;  // (count)
  uint16_t* y;     // (count), bits of bfloat16; must not overlap x
  int64_t count;   // >= 0
};
extern const KernelTable<ToBfloat16Args> to_bfloat16;

struct FromBfloat16Args {
  const uint16_t* x;  // (count), bits of bfloat16
  float* y;           // (count), must not overlap x
  int64_t count;      // >= 0
};
extern const KernelTable<FromBfloat16Args> from_bfloat16;

}  // namespace assay::kernels
