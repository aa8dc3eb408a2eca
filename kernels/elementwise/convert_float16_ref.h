// SPDX-License-Identifier: Apache-2.0
// binary16 by its definition: sign, five bits of exponent, ten of fraction.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

namespace assay::kernels::ref {

inline double value_of_float16(uint16_t half) {
  const int exponent = half >> 10 & 31;
  const int fraction = half & 1023;
  const double sign = half >> 15 ? -1.0 : 1.0;
  if (exponent == 31) {
    return fraction ? std::numeric_limits<double>::quiet_NaN() : sign * std::numeric_limits<double>::infinity();
  }
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(1024 + fraction, exponent - 25);
}

// The bits nearest to a number that is not NaN, even fraction on a tie. Positive halves are ordered as their bits are,
// and the midpoint above the last finite one is 65520.
inline uint16_t nearest_float16(double x) {
  const uint16_t sign = std::signbit(x) ? 0x8000 : 0;
  const double magnitude = std::abs(x);
  if (magnitude >= 65520) return sign | 0x7c00;
  uint16_t low = 0, high = 0x7c00;  // value(low) <= magnitude < value(high), counting 0x7c00 as 65536
  while (high - low > 1) {
    const uint16_t middle = static_cast<uint16_t>((low + high) / 2);
    (value_of_float16(middle) <= magnitude ? low : high) = middle;
  }
  const double above = high == 0x7c00 ? 65536 : value_of_float16(high);
  const double below = magnitude - value_of_float16(low);
  const bool up = below > above - magnitude || (below == above - magnitude && low % 2 == 1);
  return sign | (up ? high : low);
}

}  // namespace assay::kernels::ref
