// SPDX-License-Identifier: Apache-2.0
// How the simulated libraries touch the simulated GPU: the memory that a call will use is checked when it is called,
// the work itself runs in the order of its stream. The only file that knows the simulator.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace assay::cuda_sim_vendor {

// Keeps a fault for cuda_sim::take_reports(); a process that ends with faults nobody took fails.
void report(const std::string& text);

// The calling thread's device, or -1 where there is none.
int current_device();

// Whether all of [begin, begin + bytes) is memory of `device`; where it is not, `why` says what it is instead.
bool is_device_memory(const void* begin, size_t bytes, int device, std::string* why);

// Runs `work` when the stream gets there. It may read and write device memory and call no CUDA function.
cudaError_t enqueue(cudaStream_t stream, std::function<void()> work);

}  // namespace assay::cuda_sim_vendor
