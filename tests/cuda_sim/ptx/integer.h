// SPDX-License-Identifier: Apache-2.0
// Integer arithmetic. Sums, differences and products wrap; what the manual leaves open is as GPUs do it (division).
#pragma once

#include "tests/cuda_sim/ptx/types.h"

namespace assay::cuda_sim::ptx {

template <class T>
using wrapping = std::make_unsigned_t<T>;

template <class T>
struct WiderOf;
template <>
struct WiderOf<u16> {
  using type = u32;
};
template <>
struct WiderOf<s16> {
  using type = s32;
};
template <>
struct WiderOf<u32> {
  using type = u64;
};
template <>
struct WiderOf<s32> {
  using type = s64;
};
template <>
struct WiderOf<u64> {
  using type = u128;
};
template <>
struct WiderOf<s64> {
  using type = s128;
};
template <class T>
using wider = typename WiderOf<T>::type;

template <class T>
inline constexpr int num_bits = 8 * sizeof(T);

// 16-bit operands are promoted to int, whose product may overflow: compute unsigned, at least 32 bits wide.
template <class T>
inline T add_int(T a, T b) {
  return static_cast<T>(static_cast<u64>(a) + static_cast<u64>(b));
}
template <class T>
inline T sub_int(T a, T b) {
  return static_cast<T>(static_cast<u64>(a) - static_cast<u64>(b));
}
template <class T>
inline T mul_lo(T a, T b) {
  return static_cast<T>(static_cast<u64>(a) * static_cast<u64>(b));
}
template <class T>
inline wider<T> mul_wide(T a, T b) {
  return static_cast<wider<T>>(a) * static_cast<wider<T>>(b);
}
template <class T>
inline T mul_hi(T a, T b) {
  return static_cast<T>(mul_wide(a, b) >> num_bits<T>);
}
// Bits 16 to 47 (hi) or 0 to 31 (lo) of the product of the low 24 bits.
template <class T>
inline wider<T> product24(T a, T b) {
  if constexpr (std::is_signed_v<T>) {
    return mul_wide(static_cast<T>(static_cast<u32>(a) << 8) >> 8, static_cast<T>(static_cast<u32>(b) << 8) >> 8);
  } else {
    return mul_wide(a & 0xffffff, b & 0xffffff);
  }
}
template <class T>
inline T mul24_lo(T a, T b) {
  return static_cast<T>(product24(a, b));
}
template <class T>
inline T mul24_hi(T a, T b) {
  return static_cast<T>(product24(a, b) >> 16);
}

inline s32 saturate_to_s32(s64 x) {
  if (x > std::numeric_limits<s32>::max()) return std::numeric_limits<s32>::max();
  if (x < std::numeric_limits<s32>::min()) return std::numeric_limits<s32>::min();
  return static_cast<s32>(x);
}
inline s32 add_sat(s32 a, s32 b) { return saturate_to_s32(s64{a} + b); }
inline s32 sub_sat(s32 a, s32 b) { return saturate_to_s32(s64{a} - b); }

// Division by zero delivers all ones, its remainder the dividend; the most negative value over -1 wraps.
template <class T>
inline T div_int(T a, T b) {
  if (b == 0) return static_cast<T>(-1);
  if (std::is_signed_v<T> && b == static_cast<T>(-1)) return sub_int<T>(0, a);
  return static_cast<T>(a / b);
}
template <class T>
inline T rem_int(T a, T b) {
  if (b == 0) return a;
  if (std::is_signed_v<T> && b == static_cast<T>(-1)) return 0;
  return static_cast<T>(a % b);
}

template <class T>
inline T min_int(T a, T b) {
  return b < a ? b : a;
}
template <class T>
inline T max_int(T a, T b) {
  return a < b ? b : a;
}
template <class T>
inline T abs_int(T a) {
  return a < 0 ? sub_int<T>(0, a) : a;
}
template <class T>
inline T neg_int(T a) {
  return sub_int<T>(0, a);
}
template <class T>
inline T sad(T a, T b, T c) {
  return add_int<T>(c, a < b ? sub_int(b, a) : sub_int(a, b));
}

// Sums with the carry flag CC.CF, a bool of the function; for sub the flag is the borrow.
template <class T>
inline T add_carry(T a, T b, bool carry_in, bool& carry_out) {
  const u128 sum = u128{static_cast<wrapping<T>>(a)} + static_cast<wrapping<T>>(b) + carry_in;
  carry_out = (sum >> num_bits<T>)&1;
  return static_cast<T>(sum);
}
template <class T>
inline T sub_borrow(T a, T b, bool borrow_in, bool& borrow_out) {
  const u128 difference = u128{static_cast<wrapping<T>>(a)} - static_cast<wrapping<T>>(b) - borrow_in;
  borrow_out = (difference >> num_bits<T>)&1;
  return static_cast<T>(difference);
}

// dp4a: c + sum of four products of bytes; dp2a: of two 16-bit parts of `a` with two bytes of `b`. A and B are u32 or
// s32 and say how the parts extend.
template <class A>
inline s64 byte_of(A a, int index) {
  const u8 byte = static_cast<u8>(static_cast<u32>(a) >> (8 * index));
  return std::is_signed_v<A> ? s64{static_cast<s8>(byte)} : s64{byte};
}
template <class A, class B>
inline u32 dp4a(A a, B b, u32 c) {
  s64 sum = c;
  for (int i = 0; i < 4; ++i) sum += byte_of(a, i) * byte_of(b, i);
  return static_cast<u32>(sum);
}
template <class A, class B>
inline u32 dp2a(A a, B b, u32 c, bool high) {
  s64 sum = c;
  for (int i = 0; i < 2; ++i) {
    const u16 part = static_cast<u16>(static_cast<u32>(a) >> (16 * i));
    sum += (std::is_signed_v<A> ? s64{static_cast<s16>(part)} : s64{part}) * byte_of(b, i + (high ? 2 : 0));
  }
  return static_cast<u32>(sum);
}

}  // namespace assay::cuda_sim::ptx
