// SPDX-License-Identifier: Apache-2.0
// Floats as integers in the same order: negative numbers have all their bits turned, the others their sign. NaN becomes
// the largest of all, whatever its sign, and comes back as a quiet NaN.
#pragma once

#include <cstdint>

#if defined(__CUDACC__)
#define ASSAY_BITS_HOST_DEVICE __host__ __device__
#else
#define ASSAY_BITS_HOST_DEVICE
#endif

namespace assay::kernels {

ASSAY_BITS_HOST_DEVICE inline uint32_t ordered_bits(uint32_t bits) {
  if ((bits & 0x7fffffffu) > 0x7f800000u) return 0xffffffffu;
  return bits >> 31 != 0 ? ~bits : bits | 0x80000000u;
}

// The bits of the float that ordered_bits made `ordered` of.
ASSAY_BITS_HOST_DEVICE inline uint32_t bits_of_ordered(uint32_t ordered) {
  if (ordered == 0xffffffffu) return 0x7fc00000u;
  return ordered >> 31 != 0 ? ordered & 0x7fffffffu : ~ordered;
}

}  // namespace assay::kernels

#undef ASSAY_BITS_HOST_DEVICE
