// SPDX-License-Identifier: Apache-2.0
// The value types of translated PTX code: PTX names for numbers, and structs for the 16-bit and packed formats, so that
// the helpers can be overloaded by type. A register holds unsigned bits, float, double or bool (see operands.py).
#pragma once

#include <immintrin.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

namespace assay::cuda_sim::ptx {

using u8 = uint8_t;
using u16 = uint16_t;
using u32 = uint32_t;
using u64 = uint64_t;
using u128 = unsigned __int128;
using s8 = int8_t;
using s16 = int16_t;
using s32 = int32_t;
using s64 = int64_t;
using s128 = __int128;
using f32 = float;
using f64 = double;

struct f16 {
  u16 raw;
};
struct bf16 {
  u16 raw;
};
struct f16x2 {  // low half first
  f16 low, high;
};
struct bf16x2 {
  bf16 low, high;
};
struct u16x2 {
  u16 low, high;
};
struct s16x2 {
  s16 low, high;
};

// The same bits as another type.
template <class To, class From>
inline To bits(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

// What arithmetic instructions deliver for an invalid operation.
inline f32 canonical_nan(f32) { return bits<f32>(0x7fffffffu); }
inline f64 canonical_nan(f64) { return bits<f64>(u64{0x7fffffffffffffff}); }

// 16-bit formats to float: exact.
inline f32 widen(f16 x) { return _cvtsh_ss(x.raw); }
inline f32 widen(bf16 x) { return bits<f32>(u32{x.raw} << 16); }
inline f32 widen(f32 x) { return x; }
inline f64 widen(f64 x) { return x; }

// `x` as float, rounded to odd: a later rounding to 22 bits or fewer then gives what one rounding of `x` gives.
template <class Wide>
inline f32 to_odd(Wide x) {
  const f32 nearest = static_cast<f32>(x);
  if (nearest == x || x != x) return nearest;
  u32 raw = bits<u32>(nearest);
  if (std::isinf(nearest)) return std::isinf(x) ? nearest : bits<f32>(raw - 1);
  const bool away = std::fabs(Wide{nearest}) > std::fabs(x);
  if (away) raw -= 1;  // truncate the magnitude
  return bits<f32>(raw | 1);
}

enum class Round { kNearest, kZero, kDown, kUp, kAway };

// Float to a 16-bit format, NaN to the canonical one.
template <Round round = Round::kNearest>
inline f16 to_f16(f32 x) {
  if (x != x) return {0x7fff};
  constexpr int kMode = round == Round::kNearest ? _MM_FROUND_TO_NEAREST_INT
                        : round == Round::kZero  ? _MM_FROUND_TO_ZERO
                        : round == Round::kDown  ? _MM_FROUND_TO_NEG_INF
                                                 : _MM_FROUND_TO_POS_INF;
  static_assert(round != Round::kAway);
  return {static_cast<u16>(_cvtss_sh(x, kMode))};
}

template <Round round = Round::kNearest>
inline bf16 to_bf16(f32 x) {
  if (x != x) return {0x7fff};
  const u32 raw = bits<u32>(x);
  const u32 rest = raw & 0xffff;
  const bool negative = raw >> 31;
  bool up;  // to the next larger magnitude; a carry out of the largest finite value makes infinity
  if constexpr (round == Round::kNearest) {
    up = rest > 0x8000 || (rest == 0x8000 && (raw >> 16 & 1));
  } else if constexpr (round == Round::kZero) {
    up = false;
  } else if constexpr (round == Round::kDown) {
    up = negative && rest;
  } else if constexpr (round == Round::kUp) {
    up = !negative && rest;
  } else {
    up = rest >= 0x8000;
  }
  return {static_cast<u16>((raw >> 16) + (up && !std::isinf(x)))};
}

// `narrow<T>(x)`: to the nearest T, ties to even.
template <class T>
inline T narrow(f32 x) {
  if constexpr (std::is_same_v<T, f16>) {
    return to_f16(x);
  } else if constexpr (std::is_same_v<T, bf16>) {
    return to_bf16(x);
  } else {
    return x;
  }
}

template <class T>
inline constexpr bool is_half = std::is_same_v<T, f16> || std::is_same_v<T, bf16>;
template <class T>
inline constexpr bool is_packed = sizeof(T) == 4 && std::is_class_v<T>;

// Applies `op` to both halves of packed values.
template <class Packed, class Op, class... Rest>
inline Packed both(Op op, Packed a, Rest... rest) {
  return {op(a.low, rest.low...), op(a.high, rest.high...)};
}

}  // namespace assay::cuda_sim::ptx
