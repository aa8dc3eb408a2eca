// SPDX-License-Identifier: Apache-2.0
// The GPU that cases run on with --device=cuda: what it is, what it can do at best, and waiting for it.
#pragma once

#include <string>

namespace assay::bench {

// Whether this program was built with CUDA and finds a GPU; otherwise the reason.
bool has_gpu(std::string* reason);
// Name, driver and runtime.
std::string gpu_description();
void wait_for_gpu();
// Measured now: multiply-adds of float32 in registers, and reading of 1 GiB of device memory.
double measure_gpu_fma_flop_per_s();
double measure_gpu_read_bytes_per_s();

// From here on memory that the program allocates can be reached by the GPU, too, so that cases need not know where they
// run: managed memory, which moves to the GPU when it is first touched there. The simulator's device memory is the
// host's.
void allocate_for_gpu();

}  // namespace assay::bench
