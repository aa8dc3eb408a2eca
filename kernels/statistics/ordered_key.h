// SPDX-License-Identifier: Apache-2.0
// Unsigned integers that compare as their floats do: -infinity first, -0 before +0, every NaN last and equal.
#pragma once

#include <cstdint>
#include <cstring>

#include "kernels/base/host_device.h"

namespace assay::kernels {

constexpr uint32_t kNanKey = 0xffffffffu;

ASSAY_HOST_DEVICE inline uint32_t ordered_key(float x) {
  if (x != x) return kNanKey;
  uint32_t bits;
  memcpy(&bits, &x, sizeof(bits));
  return bits >> 31 != 0 ? ~bits : bits | 0x80000000u;
}

// The float of a key: a quiet NaN for kNanKey.
ASSAY_HOST_DEVICE inline float key_value(uint32_t key) {
  const uint32_t bits = key == kNanKey ? 0x7fc00000u : key >> 31 != 0 ? key & 0x7fffffffu : ~key;
  float x;
  memcpy(&x, &bits, sizeof(x));
  return x;
}

// What a selection ranks: x, or its distance from `center`, in float32.
ASSAY_HOST_DEVICE inline float ranked_value(float x, const float* center) {
  if (center == nullptr) return x;
  const float difference = x - *center;
  return difference < 0 ? -difference : difference;
}

}  // namespace assay::kernels
