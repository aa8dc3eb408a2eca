// SPDX-License-Identifier: Apache-2.0
// Kernels with a planted fault, each beside a twin without it. The line where the simulator must see the fault ends in
// "// fault".
#pragma once

#include <cstddef>
#include <vector>

#include "tests/cuda_sim/control.h"

namespace assay::cuda_sim {

// x holds n numbers 1, 2, 3..., y has n elements. One signature for all, so that one loop tests them.
using TestKernel = void (*)(const float* x, float* y, int n);

struct FaultyKernel {
  const char* name;
  TestKernel clean;
  TestKernel faulty;
  Fault fault;
  int num_blocks = 1;
  int num_threads = 64;
  size_t dynamic_shared_bytes = 0;
  bool needs_race_detection = false;
  bool has_y = true;  // false: nobody wrote y
};

std::vector<FaultyKernel> global_memory_faults();
std::vector<FaultyKernel> shared_memory_faults();
std::vector<FaultyKernel> race_faults();
std::vector<FaultyKernel> synchronisation_faults();

// Kernels without faults, for tests of the runtime. Each of n elements by its own thread.
struct TestKernels {
  TestKernel add_one;            // y = x + 1
  TestKernel accumulate;         // y += x
  TestKernel scale_by_symbol;    // y = x * a __constant__ factor
  TestKernel print_numbers;      // printf of most conversions, by one thread; y[0] = what printf returned
  TestKernel reverse_in_blocks;  // through shared memory, blocks of 64 threads
  TestKernel large_dynamic;      // y[i] = x[0], through a float of dynamic shared memory per thread
  TestKernel bounded_128;        // y = x; __launch_bounds__(128)
  TestKernel endless;            // never ends
  TestKernel large_frame;        // overflows the stack
  const void* factor_symbol;     // the host's name of the factor, 2 at first
};
const TestKernels& test_kernels();

}  // namespace assay::cuda_sim
