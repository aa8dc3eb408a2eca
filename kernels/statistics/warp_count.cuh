// SPDX-License-Identifier: Apache-2.0
// Counting into a histogram in shared memory, by whole warps.
#pragma once

#include <cuda_runtime.h>

namespace assay::kernels {

// Adds one to counts[bin] for each lane that counts. Scores crowd into few bins, where 32 atomics on one address would
// queue: the lanes that share the first lane's bin add once, together. `Bin` converts to an index.
template <class Bin>
__device__ __forceinline__ void warp_count(unsigned* counts, bool counted, Bin bin) {
  constexpr unsigned kAllLanes = 0xffffffffu;
  const unsigned lanes = __ballot_sync(kAllLanes, counted);
  if (lanes == 0) return;                                    // the same in the whole warp
  const int first = __clz(static_cast<int>(__brev(lanes)));  // the lowest lane
  const Bin shared_bin = __shfl_sync(kAllLanes, bin, first);
  const unsigned together = __ballot_sync(kAllLanes, counted && bin == shared_bin);
  if (static_cast<int>(threadIdx.x % 32) == first) {
    atomicAdd(&counts[shared_bin], static_cast<unsigned>(__popc(together)));
  } else if (counted && bin != shared_bin) {
    atomicAdd(&counts[bin], 1u);
  }
}

}  // namespace assay::kernels
