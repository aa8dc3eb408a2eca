// SPDX-License-Identifier: Apache-2.0
// Settings of the simulator: read from the environment once, changed by control.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace assay::cuda_sim {

struct Options {
  int num_devices = 2;                    // ASSAY_SIM_DEVICES, 0 to 8
  uint64_t seed = 0;                      // ASSAY_SIM_SEED
  bool race = false;                      // ASSAY_SIM_RACE
  size_t memory_bytes = size_t{8} << 30;  // ASSAY_SIM_MEMORY, per device
  int num_threads = 1;                    // ASSAY_SIM_THREADS, default: all cores
  // Launches until one is refused, or breaks its device; 0: none is going to.
  int64_t fail_launch = 0;      // ASSAY_SIM_FAIL_LAUNCH
  int64_t break_in_launch = 0;  // ASSAY_SIM_BREAK_IN_LAUNCH
  int64_t timeout_s = 300;      // ASSAY_SIM_TIMEOUT: processor seconds one thread may run without waiting
};

// Ends the process with code 2 where a variable of the environment has no sensible value.
Options& options();

}  // namespace assay::cuda_sim
