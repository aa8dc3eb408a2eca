// SPDX-License-Identifier: Apache-2.0
// IEEE binary16 to float, exactly, for every bit pattern.
#pragma once

#include <cstdint>
#include <cstring>

#include "engine/tensor/dtype.h"

namespace assay {

inline float to_float(Float16 half) {
  const uint32_t sign = static_cast<uint32_t>(half.bits & 0x8000) << 16;
  const uint32_t exponent = half.bits >> 10 & 0x1f;
  const uint32_t fraction = half.bits & 0x3ff;
  // Zero and subnormals: fraction units of 2^-24.
  if (exponent == 0) {
    const float magnitude = static_cast<float>(fraction) * (1.0f / 16777216.0f);
    return sign ? -magnitude : magnitude;
  }
  const uint32_t wide_exponent = exponent == 31 ? 255 : exponent - 15 + 127;  // 31: infinity and NaN
  const uint32_t bits = sign | wide_exponent << 23 | fraction << 13;
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

}  // namespace assay
