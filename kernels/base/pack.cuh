// SPDX-License-Identifier: Apache-2.0
// kWidth floats that are loaded and stored as one: a vector access of 16 bytes at width 4.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace assay::kernels {

template <int kWidth>
struct alignas(4 * kWidth) Pack {
  float v[kWidth];
};

template <int kWidth>
__device__ inline Pack<kWidth> load_pack(const float* p) {
  return *reinterpret_cast<const Pack<kWidth>*>(p);
}

template <int kWidth>
__device__ inline void store_pack(float* p, const Pack<kWidth>& pack) {
  *reinterpret_cast<Pack<kWidth>*>(p) = pack;
}

// Whether all pointers (null ones aside, which nobody reads) allow packs of 4 floats.
template <class... Pointers>
inline bool aligned_for_packs(const Pointers*... pointers) {
  return ((reinterpret_cast<uintptr_t>(pointers) % 16 == 0) && ...);
}

}  // namespace assay::kernels
