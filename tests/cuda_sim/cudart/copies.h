// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

namespace assay::cuda_sim {

// Rows of bytes; a plain copy has one.
struct Copy {
  uint64_t to = 0;
  size_t to_pitch = 0;
  uint64_t from = 0;
  size_t from_pitch = 0;
  size_t row_bytes = 0;
  size_t num_rows = 0;
};

// With the runtime's lock held. Checks all that can be known now; the rest when the copy runs.
cudaError_t enqueue_copy(const char* name, const Copy& copy, cudaMemcpyKind kind, cudaStream_t handle, bool is_async);

}  // namespace assay::cuda_sim
