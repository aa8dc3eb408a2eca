// SPDX-License-Identifier: Apache-2.0
// Shifts, bit fields, counts and permutations.
#pragma once

#include "tests/cuda_sim/ptx/integer.h"

namespace assay::cuda_sim::ptx {

// Shift amounts beyond the width clamp: zero, or the sign for signed right shifts.
template <class T>
inline T shl(T a, u32 amount) {
  return amount >= num_bits<T> ? T(0) : static_cast<T>(a << amount);
}
template <class T>
inline T shr(T a, u32 amount) {
  if (amount >= num_bits<T>) return a < 0 ? static_cast<T>(-1) : T(0);
  return static_cast<T>(a >> amount);
}
inline u32 funnel_amount(u32 amount, bool wrap) { return wrap ? amount & 31 : amount > 32 ? 32 : amount; }
inline u32 shf_left(u32 low, u32 high, u32 amount, bool wrap) {
  return static_cast<u32>((u64{high} << 32 | low) << funnel_amount(amount, wrap) >> 32);
}
inline u32 shf_right(u32 low, u32 high, u32 amount, bool wrap) {
  return static_cast<u32>((u64{high} << 32 | low) >> funnel_amount(amount, wrap));
}

inline u32 lop3(u32 a, u32 b, u32 c, u32 table) {
  u32 result = 0;
  for (int i = 0; i < 8; ++i) {
    if (table >> i & 1) result |= (i & 4 ? a : ~a) & (i & 2 ? b : ~b) & (i & 1 ? c : ~c);
  }
  return result;
}

// Only the low 8 bits of position and length count. Bits beyond the top read as the sign (s types) or zero.
template <class T>
inline T bfe(T a, u32 position, u32 length) {
  position &= 255;
  length &= 255;
  if (length == 0) return 0;
  const u32 top = position + length - 1 < num_bits<T> ? position + length - 1 : num_bits<T> - 1;
  const bool sign = std::is_signed_v<T> && (static_cast<wrapping<T>>(a) >> top & 1);
  wrapping<T> field = position >= num_bits<T> ? 0 : static_cast<wrapping<T>>(a) >> position;
  const u32 kept = position >= num_bits<T> ? 0 : top - position + 1;
  if (kept < num_bits<T>) {
    const wrapping<T> mask = (wrapping<T>(1) << kept) - 1;
    field = sign ? field | ~mask : field & mask;
  }
  return static_cast<T>(field);
}
template <class T>
inline T bfi(T a, T b, u32 position, u32 length) {
  position &= 255;
  length &= 255;
  if (position >= num_bits<T>) return b;
  T mask = length >= num_bits<T> ? static_cast<T>(~T(0)) : static_cast<T>((T(1) << length) - 1);
  mask = static_cast<T>(mask << position);
  return static_cast<T>((b & ~mask) | (static_cast<T>(a << position) & mask));
}
inline u32 bmsk(u32 position, u32 length, bool clamp) {
  if (!clamp) {
    position &= 31;
    length &= 31;
  }
  if (position >= 32) return 0;
  const u32 mask = length >= 32 ? ~u32{0} : (u32{1} << length) - 1;
  return mask << position;
}
// The low `width` bits of `a`, extended by their sign (s32) or zeros (u32).
template <class T>
inline T szext(T a, u32 width) {
  if (width == 0) return 0;
  if (width >= 32) return a;
  const int unused = 32 - static_cast<int>(width);
  return static_cast<T>(static_cast<u32>(a) << unused) >> unused;
}
// The position of the most significant bit that is not a sign bit, or all ones; with `shift_amount` how far to shift it
// to the top.
template <class T>
inline u32 bfind(T a, bool shift_amount) {
  wrapping<T> raw = static_cast<wrapping<T>>(a);
  if (std::is_signed_v<T> && a < 0) raw = static_cast<wrapping<T>>(~raw);
  if (raw == 0) return ~u32{0};
  const u32 position = 63 - __builtin_clzll(raw);
  return shift_amount ? num_bits<T> - 1 - position : position;
}
template <class T>
inline T brev(T a) {
  T result = 0;
  for (int i = 0; i < num_bits<T>; ++i) result |= (a >> i & 1) << (num_bits<T> - 1 - i);
  return result;
}
template <class T>
inline u32 popc(T a) {
  return __builtin_popcountll(a);
}
template <class T>
inline u32 clz(T a) {
  return a ? __builtin_clzll(a) - (64 - num_bits<T>) : num_bits<T>;
}
// Find the n-th set bit: from `base` upward (offset > 0, the base itself counts as the first), downward (offset < 0),
// or the base itself (offset 0). All ones where there is none.
inline u32 fns(u32 mask, u32 base, s32 offset) {
  const int step = offset < 0 ? -1 : 1;
  int left = offset == 0 ? 1 : offset < 0 ? -offset : offset;
  if (offset == 0) return base < 32 && (mask >> base & 1) ? base : ~u32{0};
  for (int position = static_cast<int>(base); position >= 0 && position < 32; position += step) {
    if (mask >> position & 1 && --left == 0) return static_cast<u32>(position);
  }
  return ~u32{0};
}

enum class Permute { kIndex, kForward4, kBackward4, kReplicate8, kEdgeLeft, kEdgeRight, kReplicate16 };

// Picks four of the eight bytes of b:a. kIndex: by selector nibbles, whose top bit replicates the sign of the byte.
template <Permute mode>
inline u32 prmt(u32 a, u32 b, u32 selector) {
  const u64 source = u64{b} << 32 | a;
  const u32 s = selector & 3;
  u32 result = 0;
  for (u32 i = 0; i < 4; ++i) {
    u32 pick;
    switch (mode) {
      case Permute::kForward4:
        pick = s + i;
        break;
      case Permute::kBackward4:
        pick = (s - i) & 7;
        break;
      case Permute::kReplicate8:
        pick = s;
        break;
      case Permute::kEdgeLeft:
        pick = i > s ? i : s;
        break;
      case Permute::kEdgeRight:
        pick = i < s ? i : s;
        break;
      case Permute::kReplicate16:
        pick = (s & 1) * 2 + (i & 1);
        break;
      default:
        pick = selector >> (4 * i) & 15;
    }
    u32 byte = static_cast<u32>(source >> (8 * (pick & 7))) & 255;
    if (pick & 8) byte = byte & 128 ? 255 : 0;
    result |= byte << (8 * i);
  }
  return result;
}

}  // namespace assay::cuda_sim::ptx
