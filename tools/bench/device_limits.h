// SPDX-License-Identifier: Apache-2.0
// Kernels that do one thing as fast as the GPU can: the roofs of bench --device=cuda.
#pragma once

#include <cstdint>

namespace assay::bench {

constexpr int kFmaLimitBlocks = 132 * 16, kFmaLimitThreads = 256, kFmaLimitSteps = 4096, kFmaLimitChains = 8;
constexpr double kFmaLimitFlop = 2.0 * kFmaLimitBlocks * kFmaLimitThreads * kFmaLimitSteps * kFmaLimitChains;
constexpr int64_t kReadLimitBytes = int64_t{1} << 30;  // beyond every second-level cache

void launch_fma_limit(float* sink);
// memory: kReadLimitBytes, aligned to 16 bytes.
void launch_read_limit(const float* memory, float* sink);

}  // namespace assay::bench
