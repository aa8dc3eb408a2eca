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

// Reading of 256 MiB, far beyond the caches, once.
double measure_read_bytes_per_s(Clock clock, int threads);

}  // namespace assay::bench
