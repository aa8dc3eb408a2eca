// SPDX-License-Identifier: Apache-2.0
// What the CPU's greedy k-center keeps of each point, in the workspace.
#pragma once

#include <cstddef>
#include <cstdint>

namespace assay::kernels {

struct LazyScratch {
  LazyScratch(void* workspace, int64_t num_points)
      : minimum(static_cast<float*>(workspace)),
        seen(reinterpret_cast<int32_t*>(minimum + num_points)),
        watched(seen + num_points),
        rest(static_cast<std::byte*>(workspace) + bytes(num_points)) {}
  static int64_t bytes(int64_t num_points) { return (12 * num_points + 63) / 64 * 64; }

  float* minimum;    // (N): squared distance to the nearest of the centres seen; -1 where the point is taken
  int32_t* seen;     // (N): how many centres these are, the first ones
  int32_t* watched;  // (N): room for the points that are up to date, ascending
  std::byte* rest;   // aligned to 64 bytes
};

}  // namespace assay::kernels
