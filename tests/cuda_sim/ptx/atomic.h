// SPDX-License-Identifier: Apache-2.0
// atom and red. Blocks may run on several processor threads, so the bytes change by compare and exchange.
#pragma once

#include "tests/cuda_sim/ptx/floating.h"
#include "tests/cuda_sim/ptx/integer.h"
#include "tests/cuda_sim/ptx/memory.h"

namespace assay::cuda_sim::ptx {

template <int num_bytes>
struct RawOf;
template <>
struct RawOf<2> {
  using type = u16;
};
template <>
struct RawOf<4> {
  using type = u32;
};
template <>
struct RawOf<8> {
  using type = u64;
};

// What an atomic operation makes of the old value.
template <class T>
inline T atomic_add(T old, T value) {
  if constexpr (std::is_integral_v<T>) {
    return add_int(old, value);
  } else {
    return add(old, value);
  }
}
template <class T>
inline T atomic_min(T old, T value) {
  if constexpr (std::is_integral_v<T>) {
    return min_int(old, value);
  } else {
    return extremum(old, value, /*want_max=*/false, /*nan=*/false);
  }
}
template <class T>
inline T atomic_max(T old, T value) {
  if constexpr (std::is_integral_v<T>) {
    return max_int(old, value);
  } else {
    return extremum(old, value, /*want_max=*/true, /*nan=*/false);
  }
}
template <class T>
inline T atomic_and(T old, T value) {
  return old & value;
}
template <class T>
inline T atomic_or(T old, T value) {
  return old | value;
}
template <class T>
inline T atomic_xor(T old, T value) {
  return old ^ value;
}
template <class T>
inline T atomic_exch(T, T value) {
  return value;
}
// Counts up to `value` and starts again at zero; dec counts down and starts again at `value`.
template <class T>
inline T atomic_inc(T old, T value) {
  return old >= value ? T(0) : old + 1;
}
template <class T>
inline T atomic_dec(T old, T value) {
  return old == 0 || old > value ? value : old - 1;
}

// Replaces the T at `bytes` by op(it) and returns what was there.
template <class T, class Op>
inline T exchange(unsigned char* bytes_of_value, Op op) {
  using Raw = typename RawOf<sizeof(T)>::type;
  Raw* place = reinterpret_cast<Raw*>(bytes_of_value);
  Raw old = __atomic_load_n(place, __ATOMIC_RELAXED);
  while (!__atomic_compare_exchange_n(place, &old, bits<Raw>(op(bits<T>(old))), /*weak=*/true, __ATOMIC_ACQ_REL,
                                      __ATOMIC_RELAXED)) {
  }
  return bits<T>(old);
}

template <Space space, class T, class Op>
inline T atomic(Thread& thread, u64 address, Op op, T value, const SourceLine* where) {
  unsigned char* place = access<space>(thread, address, sizeof(T), sizeof(T), Access::kAtomic, where);
  return exchange<T>(place, [=](T old) { return op(old, value); });
}

template <Space space, class T>
inline T atomic_cas(Thread& thread, u64 address, T compare, T value, const SourceLine* where) {
  unsigned char* place = access<space>(thread, address, sizeof(T), sizeof(T), Access::kAtomic, where);
  return exchange<T>(place, [=](T old) { return old == compare ? value : old; });
}

// Vector forms: aligned as a whole, atomic element by element.
template <Space space, class T, int count, class Op>
inline Lanes<T, count> atomic_vector(Thread& thread, u64 address, Op op, const Lanes<T, count>& value,
                                     const SourceLine* where) {
  unsigned char* place = access<space>(thread, address, sizeof value, sizeof value, Access::kAtomic, where);
  Lanes<T, count> old;
  for (int i = 0; i < count; ++i) {
    old.at[i] = exchange<T>(place + i * sizeof(T), [&](T x) { return op(x, value.at[i]); });
  }
  return old;
}

}  // namespace assay::cuda_sim::ptx
