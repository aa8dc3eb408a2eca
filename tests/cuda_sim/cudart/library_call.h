// SPDX-License-Identifier: Apache-2.0
// For stand-ins of other CUDA libraries: a call that works on device memory in stream order, with everything checked
// that is checked for a kernel, as far as ranges can tell.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <functional>
#include <vector>

namespace assay::cuda_sim {

// Rows of device memory, `pitch_bytes` apart; a vector is one row.
struct LibraryAccess {
  const void* begin = nullptr;
  size_t row_bytes = 0;
  size_t num_rows = 1;
  size_t pitch_bytes = 0;  // unused for one row
  bool reads = true;
  bool writes = false;
};

// Enqueues `run` on the stream; it works on the memory of `accesses` with plain loads and stores. Like a kernel it may
// use memory of its stream's device and of peers it may access. Ranges outside any allocation are an error at once;
// freed or not yet allocated memory, unordered streams and reads of memory that nobody wrote are reported when the work
// runs. `name` must outlive the process.
cudaError_t enqueue_library_call(const char* name, cudaStream_t stream, std::vector<LibraryAccess> accesses,
                                 std::function<void()> run);

}  // namespace assay::cuda_sim
