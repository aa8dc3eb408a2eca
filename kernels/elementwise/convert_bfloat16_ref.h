// SPDX-License-Identifier: Apache-2.0
// bfloat16 by its definition: sign, eight bits of exponent, seven of fraction.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

namespace assay::kernels::ref {

inline double value_of_bfloat16(uint16_t x) {
  const int exponent = x >> 7 & 255;
  const int fraction = x & 127;
  const double sign = x >> 15 ? -1.0 : 1.0;
  if (exponent == 255) {
    return fraction ? std::numeric_limits<double>::quiet_NaN() : sign * std::numeric_limits<double>::infinity();
  }
  if (exponent == 0) return sign * std::ldexp(fraction, -133);
  return sign * std::ldexp(128 + fraction, exponent - 134);
}

// The bits nearest to a number that is not NaN, even fraction on a tie. Positive bfloat16 are ordered as their bits
// are; infinity takes the place of 2^128.
inline uint16_t nearest_bfloat16(double x) {
  const uint16_t sign = std::signbit(x) ? 0x8000 : 0;
  const double magnitude = std::abs(x);
  uint16_t low = 0, high = 0x7f80;  // value(low) <= magnitude < value(high)
  if (magnitude >= std::ldexp(1, 128)) return sign | high;
  while (high - low > 1) {
    const uint16_t middle = static_cast<uint16_t>((low + high) / 2);
    (value_of_bfloat16(middle) <= magnitude ? low : high) = middle;
  }
  const double above = high == 0x7f80 ? std::ldexp(1, 128) : value_of_bfloat16(high);
  const double below = magnitude - value_of_bfloat16(low);
  const bool up = below > above - magnitude || (below == above - magnitude && low % 2 == 1);
  return sign | (up ? high : low);
}

}  // namespace assay::kernels::ref
