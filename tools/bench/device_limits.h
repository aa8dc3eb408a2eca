// SPDX-License-Identifier: Apache-2.0
// Kernels that do one thing as fast as the GPU can: the roofs of bench --device=cuda.
#pragma once

#include <cstdint>

#include "tools/bench/arithmetic.h"

namespace assay::bench {

constexpr int kLimitThreads = 256;
constexpr int kLimitBlocks = 132 * 16;  // 16 for each multiprocessor of an H100: more than are resident at once

// `steps` multiply-adds in each of several independent chains of each thread: float32 and float64 by the units for
// these, the others by the tensor cores (mma.sync; a library that uses wgmma can be faster on sm_90). Not kThreeTf32.
// sink (blocks * kLimitThreads): the sum of a thread's chains, which keeps them alive.
void launch_multiply_add_limit(Arithmetic arithmetic, int blocks, int steps, float* sink);
double multiply_add_limit_flop(Arithmetic arithmetic, int blocks, int steps);

// memory: `count` floats, a multiple of 4, aligned to 16 bytes. sink (blocks * kLimitThreads): what each thread read,
// summed.
void launch_read_limit(const float* memory, int64_t count, int blocks, float* sink);

}  // namespace assay::bench
