// SPDX-License-Identifier: Apache-2.0
// One launch of a kernel: what every block of the grid needs to know, and running them all.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "tests/cuda_sim/control.h"
#include "tests/cuda_sim/simt/order.h"
#include "tests/cuda_sim/simt/thread.h"

namespace assay::cuda_sim {

struct Launch {
  const Kernel* kernel = nullptr;
  const unsigned char* const* parameters = nullptr;
  Dim3 grid;
  Dim3 block;
  uint32_t dynamic_shared_bytes = 0;
  int device = 0;
  uint64_t number = 0;                   // of all launches, from 1
  const Operation* operation = nullptr;  // its place among all work
  uint64_t seed = 0;                     // 0: in order

  // Filled by run_grid().
  std::vector<uint8_t> shared_limits;
  uint32_t shared_window_bytes = 0;
  std::atomic<bool> failed{false};  // by the first fault that ends it
  Fault fault = Fault::kTrap;       // that fault
};

// Runs all blocks to the end, on several OS threads unless race detection is on. One caller at a time.
void run_grid(Launch& launch);

// Whether the calling OS thread runs a block now.
bool inside_kernel();

}  // namespace assay::cuda_sim
