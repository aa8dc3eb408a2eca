// SPDX-License-Identifier: Apache-2.0
// cvt: between the number formats, with the rounding and the saturation that the instruction names.
#pragma once

#include "tests/cuda_sim/ptx/floating.h"

namespace assay::cuda_sim::ptx {

// Integer to integer: the low bits, or with `saturate` the nearest value that To has.
template <class To, class From>
inline To int_to_int(From x, bool saturate) {
  if (saturate) {
    const s128 value = x;
    if (value < s128{std::numeric_limits<To>::min()}) return std::numeric_limits<To>::min();
    if (value > s128{std::numeric_limits<To>::max()}) return std::numeric_limits<To>::max();
  }
  return static_cast<To>(x);
}

// `exact` in the format F, rounded in the given direction. 64-bit integers are exact in long double.
template <class F>
inline F directed(long double exact, Round round) {
  const F nearest = static_cast<F>(exact);
  if (round == Round::kNearest || nearest != nearest || static_cast<long double>(nearest) == exact) return nearest;
  const F infinity = std::numeric_limits<F>::infinity();
  const bool too_high = static_cast<long double>(nearest) > exact;
  switch (round) {
    case Round::kZero:
      return exact > 0 ? (too_high ? std::nextafter(nearest, -infinity) : nearest)
                       : (too_high ? nearest : std::nextafter(nearest, infinity));
    case Round::kDown:
      return too_high ? std::nextafter(nearest, -infinity) : nearest;
    case Round::kUp:
      return too_high ? nearest : std::nextafter(nearest, infinity);
    default:
      return nearest;
  }
}

// Any number to a floating point format.
template <class To, Round round, class From>
inline To to_float(From x) {
  if constexpr (std::is_same_v<To, From>) {
    return x;
  } else if constexpr (is_half<From>) {
    if constexpr (is_half<To>) {
      return to_float<To, round>(widen(x));
    } else {
      return static_cast<To>(clean_nan(widen(x)));
    }
  } else if constexpr (std::is_same_v<To, f16>) {
    if constexpr (std::is_same_v<From, f32>) return to_f16<round>(x);
    return to_f16<round>(to_odd(static_cast<long double>(x)));
  } else if constexpr (std::is_same_v<To, bf16>) {
    if constexpr (std::is_same_v<From, f32>) return to_bf16<round>(x);
    return to_bf16<round>(to_odd(static_cast<long double>(x)));
  } else if constexpr (round == Round::kNearest) {
    return clean_nan(static_cast<To>(x));
  } else {
    return clean_nan(directed<To>(static_cast<long double>(x), round));
  }
}

// To an integral value in the same format: .rni, .rzi, .rmi, .rpi.
template <Round round, class F>
inline F to_integral(F x) {
  if constexpr (is_half<F>) {
    return narrow<F>(to_integral<round>(widen(x)));
  } else {
    switch (round) {
      case Round::kNearest:
        return clean_nan(std::nearbyint(x));
      case Round::kZero:
        return clean_nan(std::trunc(x));
      case Round::kDown:
        return clean_nan(std::floor(x));
      default:
        return clean_nan(std::ceil(x));
    }
  }
}

// Float to integer: clamps to the range of To. NaN becomes zero where neither side has 64 bits, else the value of the
// top bit.
template <class To, Round round, class From>
inline To float_to_int(From from) {
  const auto x = widen(from);
  if (x != x) {
    const bool narrow_sides = sizeof(From) < 8 && sizeof(To) < 8;
    return narrow_sides ? To(0) : static_cast<To>(u64{1} << (8 * sizeof(To) - 1));
  }
  const long double value = to_integral<round>(x);
  if (value <= static_cast<long double>(std::numeric_limits<To>::min())) return std::numeric_limits<To>::min();
  if (value >= static_cast<long double>(std::numeric_limits<To>::max())) return std::numeric_limits<To>::max();
  return static_cast<To>(value);
}

// tf32: the upper 19 bits of a float. rna rounds ties away from zero, rn to even, rz cuts.
template <Round round>
inline u32 to_tf32(f32 x) {
  if (x != x) return 0x7fffffffu;
  u32 raw = bits<u32>(x);
  if (std::isinf(x)) return raw;
  if constexpr (round == Round::kAway) raw += 0x1000;
  if constexpr (round == Round::kNearest) raw += 0xfff + (raw >> 13 & 1);
  return raw & 0xffffe000u;
}

// cvt.rn.f16x2.f32 d, a, b: `a` becomes the upper half.
template <class Packed, Round round>
inline Packed to_packed(f32 a, f32 b) {
  using Half = decltype(Packed{}.low);
  return {to_float<Half, round>(b), to_float<Half, round>(a)};
}
// .satfinite of 16-bit results: infinity becomes the largest finite value.
template <class Half>
inline Half finite(Half x) {
  const u16 infinity = std::is_same_v<Half, f16> ? 0x7c00 : 0x7f80;
  if ((x.raw & 0x7fff) != infinity) return x;
  return {static_cast<u16>((x.raw & 0x8000) | (infinity - 1))};
}

// cvt.pack: two saturated integers, `a` above `b`, above them the low bits of `c`.
template <class Part>
inline u32 pack_saturated(s32 a, s32 b, u32 c) {
  constexpr int kBits = 8 * sizeof(Part);
  using Raw = std::make_unsigned_t<Part>;
  const u32 high = static_cast<Raw>(int_to_int<Part>(a, true));
  const u32 low = static_cast<Raw>(int_to_int<Part>(b, true));
  const u32 pair = high << kBits | low;
  return kBits == 16 ? pair : c << 16 | pair;
}

}  // namespace assay::cuda_sim::ptx
