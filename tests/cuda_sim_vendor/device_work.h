// SPDX-License-Identifier: Apache-2.0
// How the simulated libraries touch the simulated GPU: the memory that a call will use is checked when it is called,
// the work itself runs in the order of its stream, late, and its reads and writes take part in the search for missing
// events and for memory that nobody wrote. The only files here that know the simulator.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace assay::cuda_sim_vendor {

// Keeps a fault for cuda_sim::take_reports(); a process that ends with faults nobody took fails.
void report(const std::string& text);

// The calling thread's device, or -1 where there is none.
int current_device();

// Whether all of [begin, begin + bytes) lies in one allocation of `device`; where it does not, `why` says what it is.
bool is_device_memory(const void* begin, size_t bytes, int device, std::string* why);

// Rows of bytes that work will read or write.
struct Rows {
  const void* begin;
  size_t row_bytes;
  size_t pitch;
  size_t num_rows;
  bool is_written;
};

// Runs `work` when the stream gets there; what it touches is `rows`. Not cudaSuccess: there is no such stream, it is of
// another device than the calling thread's, or a fault has broken the device.
cudaError_t enqueue(const char* name, cudaStream_t stream, std::vector<Rows> rows, std::function<void()> work);

}  // namespace assay::cuda_sim_vendor
