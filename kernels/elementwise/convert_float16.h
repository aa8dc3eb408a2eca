// SPDX-License-Identifier: Apache-2.0
// Arrays of float32 to IEEE 754 binary16 and back.
//
// float32 -> float16 rounds to nearest, ties to even, into subnormals too; from 65520 up it gives infinity, below
// 2^-25 zero of the same sign (2^-25 itself ties to zero). float16 -> float32 is exact. A NaN stays a NaN, made quiet,
// with its sign and the ten upper bits of its payload. The same bits on every instruction set and backend. On the CPU
// by parallel_for.
#pragma once

#include <cstdint>
#include <limits>

#include "kernels/base/kernel_table.h"

namespace assay::kernels {

struct ToFloat16Args {
  const float* x;  // (count)
  uint16_t* y;     // (count), bits of binary16; must not overlap x
  int64_t count;   // >= 0
  // Larger numbers count as this one: 65504 where an infinity would spoil what is computed from y. Not NaN.
  float ceiling = std::numeric_limits<float>::infinity();
};
extern const KernelTable<ToFloat16Args> to_float16;

struct FromFloat16Args {
  const uint16_t* x;  // (count), bits of binary16
  float* y;           // (count), must not overlap x
  int64_t count;      // >= 0
};
extern const KernelTable<FromFloat16Args> from_float16;

}  // namespace assay::kernels
