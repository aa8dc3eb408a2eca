// SPDX-License-Identifier: Apache-2.0
// Functions that a GPU approximates: computed in a wider format and rounded once, so within every error bound of the
// manual. What depends on the hardware's own error is not reproduced; tests compare with tolerances.
#pragma once

#include "tests/cuda_sim/ptx/floating.h"

namespace assay::cuda_sim::ptx {

template <class T, class Op>
inline T approximate(Op op, T x) {
  if constexpr (is_packed<T>) {
    return both([op](auto half) { return approximate(op, half); }, x);
  } else if constexpr (is_half<T>) {
    return narrow<T>(to_odd(op(f64{widen(x)})));
  } else {
    return clean_nan(static_cast<T>(op(f64{x})));
  }
}

template <class T>
inline T ex2(T x) {
  return approximate([](f64 v) { return std::exp2(v); }, x);
}
template <class T>
inline T lg2(T x) {
  return approximate([](f64 v) { return std::log2(v); }, x);
}
template <class T>
inline T tanh(T x) {
  return approximate([](f64 v) { return std::tanh(v); }, x);
}
inline f32 sin(f32 x) {
  return approximate([](f64 v) { return std::sin(v); }, x);
}
inline f32 cos(f32 x) {
  return approximate([](f64 v) { return std::cos(v); }, x);
}
template <class T>
inline T rsqrt(T x) {
  if constexpr (std::is_same_v<T, f64>) {
    return static_cast<f64>(1 / std::sqrt(static_cast<long double>(x)));
  } else {
    return approximate([](f64 v) { return 1 / std::sqrt(v); }, x);
  }
}
// .approx.ftz.f64 of rcp and rsqrt keep the upper half of the result: the low 32 bits are zero.
inline f64 upper_half(f64 x) { return bits<f64>(bits<u64>(x) & 0xffffffff00000000ull); }

}  // namespace assay::cuda_sim::ptx
