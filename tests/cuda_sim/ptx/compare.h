// SPDX-License-Identifier: Apache-2.0
// Comparisons of setp and set, selections and classifications.
#pragma once

#include "tests/cuda_sim/ptx/types.h"

namespace assay::cuda_sim::ptx {

// `ordered` operators are false with a NaN, `unordered` ones true.
enum class Order { kLess, kLessEqual, kEqual, kNotEqual, kGreaterEqual, kGreater };

template <Order order, class T>
inline bool holds(T a, T b) {
  switch (order) {
    case Order::kLess:
      return a < b;
    case Order::kLessEqual:
      return a <= b;
    case Order::kEqual:
      return a == b;
    case Order::kNotEqual:
      return a != b;
    case Order::kGreaterEqual:
      return a >= b;
    case Order::kGreater:
      return a > b;
  }
}

template <class T>
inline bool either_nan(T a, T b) {
  return a != a || b != b;
}

template <Order order, bool unordered, class T>
inline bool compare(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    return holds<order>(a, b);
  } else {
    const auto x = widen(a);
    const auto y = widen(b);
    return either_nan(x, y) ? unordered : holds<order>(x, y);
  }
}
template <class T>
inline bool any_nan(T a, T b) {
  return either_nan(widen(a), widen(b));
}

// The results of set: all ones or zero as integer, 1 or 0 as float.
template <class T>
inline T truth(bool value) {
  if constexpr (std::is_integral_v<T>) {
    return value ? static_cast<T>(-1) : T(0);
  } else {
    return narrow<T>(value ? 1.0f : 0.0f);
  }
}

template <class F>
inline bool is_finite(F x) {
  return std::isfinite(x);
}
template <class F>
inline bool is_infinite(F x) {
  return std::isinf(x);
}
template <class F>
inline bool is_number(F x) {
  return x == x;
}
template <class F>
inline bool is_notanumber(F x) {
  return x != x;
}
// Zero counts as normal, as the manual has it.
template <class F>
inline bool is_normal(F x) {
  return std::isnormal(x) || x == 0;
}
template <class F>
inline bool is_subnormal(F x) {
  return std::fpclassify(x) == FP_SUBNORMAL;
}

}  // namespace assay::cuda_sim::ptx
