// SPDX-License-Identifier: Apache-2.0
// The GPU that cases run on with --device=cuda: what it is, what it can do at best, and waiting for it.
#pragma once

#include <cstdint>
#include <string>

#include "tools/bench/arithmetic.h"

namespace assay::bench {

// Whether this program was built with CUDA and finds a GPU; otherwise the reason.
bool has_gpu(std::string* reason);
// Name, driver and runtime.
std::string gpu_description();
int64_t gpu_cache_bytes();  // of the last level
void wait_for_gpu();
// Measured now: multiply-adds in registers (device_limits.h), and reading of 1 GiB of device memory.
double measure_gpu_flop_per_s(Arithmetic arithmetic);
double measure_gpu_read_bytes_per_s();

}  // namespace assay::bench
