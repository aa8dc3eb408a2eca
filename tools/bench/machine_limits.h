// SPDX-License-Identifier: Apache-2.0
// What this machine can do at best, measured now: the roofs that kernels are held against.
#pragma once

#include <cstdint>

namespace assay::bench {

// How time is taken. kCpu is the processor time of all threads divided by their number: for one thread it leaves out
// what other programs on the machine took; for several it counts their waiting for each other as work.
enum class Clock { kWall, kCpu };

// Seconds on that clock since some fixed point.
double now(Clock clock, int threads);

// Multiply-adds of float32 in registers, on the widest vectors that kernels are compiled for; two FLOP each.
// Runs for about 5 ms.
double measure_fma_flop_per_s(Clock clock, int threads);
// The same in float64.
double measure_float64_fma_flop_per_s(Clock clock, int threads);

// What the system says of the largest cache that a processor has; on a virtual machine it may be shared with others.
int64_t last_level_cache_bytes();

// Reading of 256 MiB once, each time the next part of a buffer twice as large as the last-level cache.
double measure_read_bytes_per_s(Clock clock, int threads);

}  // namespace assay::bench
