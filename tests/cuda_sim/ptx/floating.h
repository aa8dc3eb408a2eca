// SPDX-License-Identifier: Apache-2.0
// Floating point arithmetic in f32 and f64 as IEEE 754 has it, and in the 16-bit formats with one rounding.
// Packed numbers are computed half by half. .ftz is ignored: subnormal numbers are kept. Translated code is compiled
// without contraction.
#pragma once

#include "tests/cuda_sim/ptx/types.h"

namespace assay::cuda_sim::ptx {

// The processor rounds the other way during this object's life.
class RoundingMode {
 public:
  explicit RoundingMode(Round round) : saved_(_mm_getcsr()) {
    const unsigned mode = round == Round::kZero   ? _MM_ROUND_TOWARD_ZERO
                          : round == Round::kDown ? _MM_ROUND_DOWN
                          : round == Round::kUp   ? _MM_ROUND_UP
                                                  : _MM_ROUND_NEAREST;
    _mm_setcsr((saved_ & ~static_cast<unsigned>(_MM_ROUND_MASK)) | mode);
  }
  ~RoundingMode() { _mm_setcsr(saved_); }
  RoundingMode(const RoundingMode&) = delete;
  RoundingMode& operator=(const RoundingMode&) = delete;

 private:
  unsigned saved_;
};

// Keeps the compiler from computing a value outside the RoundingMode that it belongs to.
template <class F>
inline void pin(F& value) {
  asm volatile("" : "+x"(value));
}

// f32 instructions deliver one NaN whatever comes in; f64 ones keep payloads, as x86 does.
inline f32 clean_nan(f32 x) { return __builtin_expect(x != x, 0) ? canonical_nan(x) : x; }
inline f64 clean_nan(f64 x) { return x; }

template <Round round, class F, class Op>
inline F rounded(Op op, F a, F b, F c) {
  if constexpr (round == Round::kNearest) {
    return clean_nan(op(a, b, c));
  } else {
    F result;
    {
      RoundingMode mode(round);
      pin(a);
      pin(b);
      pin(c);
      result = op(a, b, c);
      pin(result);
    }
    return clean_nan(result);
  }
}

inline f32 fused(f32 a, f32 b, f32 c) { return __builtin_fmaf(a, b, c); }
inline f64 fused(f64 a, f64 b, f64 c) { return __builtin_fma(a, b, c); }
inline f32 root(f32 x) { return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x))); }
inline f64 root(f64 x) {
  const __m128d v = _mm_set_sd(x);
  return _mm_cvtsd_f64(_mm_sqrt_sd(v, v));
}

// a * b + c of 16-bit numbers: the product is exact in double; the sum is rounded to odd, so that the final rounding
// is the only one.
template <class T>
inline T fused_half(T a, T b, T c) {
  const f64 product = f64{widen(a)} * f64{widen(b)};
  const f64 addend = widen(c);
  f64 sum = product + addend;
  if (std::isfinite(sum)) {
    const f64 addend_part = sum - product;
    const f64 error = (product - (sum - addend_part)) + (addend - addend_part);
    u64 raw = bits<u64>(sum);
    if (error != 0 && !(raw & 1)) {
      raw += ((error > 0) == (sum > 0)) ? 1 : -1;
      sum = bits<f64>(raw);
    }
  }
  return narrow<T>(to_odd(sum));
}

template <Round round = Round::kNearest, class T>
inline T add(T a, T b) {
  if constexpr (is_packed<T>) {
    return both([](auto x, auto y) { return add(x, y); }, a, b);
  } else if constexpr (is_half<T>) {
    return narrow<T>(to_odd(f64{widen(a)} + f64{widen(b)}));
  } else {
    return rounded<round>([](T x, T y, T) { return x + y; }, a, b, T(0));
  }
}
template <Round round = Round::kNearest, class T>
inline T sub(T a, T b) {
  if constexpr (is_packed<T>) {
    return both([](auto x, auto y) { return sub(x, y); }, a, b);
  } else if constexpr (is_half<T>) {
    return narrow<T>(to_odd(f64{widen(a)} - f64{widen(b)}));
  } else {
    return rounded<round>([](T x, T y, T) { return x - y; }, a, b, T(0));
  }
}
template <Round round = Round::kNearest, class T>
inline T mul(T a, T b) {
  if constexpr (is_packed<T>) {
    return both([](auto x, auto y) { return mul(x, y); }, a, b);
  } else if constexpr (is_half<T>) {
    return narrow<T>(to_odd(f64{widen(a)} * f64{widen(b)}));
  } else {
    return rounded<round>([](T x, T y, T) { return x * y; }, a, b, T(0));
  }
}
template <Round round = Round::kNearest, class T>
inline T fma(T a, T b, T c) {
  if constexpr (is_packed<T>) {
    return both([](auto x, auto y, auto z) { return fma(x, y, z); }, a, b, c);
  } else if constexpr (is_half<T>) {
    return fused_half(a, b, c);
  } else {
    return rounded<round>([](T x, T y, T z) { return fused(x, y, z); }, a, b, c);
  }
}
// Approximate division (div.approx, div.full) comes here too: the exact quotient is within its error bound.
template <Round round = Round::kNearest, class T>
inline T div(T a, T b) {
  return rounded<round>([](T x, T y, T) { return x / y; }, a, b, T(0));
}
template <Round round = Round::kNearest, class T>
inline T rcp(T a) {
  return rounded<round>([](T x, T, T) { return T(1) / x; }, a, T(0), T(0));
}
template <Round round = Round::kNearest, class T>
inline T sqrt(T a) {
  return rounded<round>([](T x, T, T) { return root(x); }, a, T(0), T(0));
}

// .sat: to [0, 1], NaN to +0.
template <class T>
inline T saturate(T x) {
  if constexpr (is_packed<T>) {
    return both([](auto half) { return saturate(half); }, x);
  } else if constexpr (is_half<T>) {
    return narrow<T>(saturate(widen(x)));
  } else {
    return x > 0 ? (x < 1 ? x : T(1)) : T(0);
  }
}
// .relu: negative numbers to +0, NaN to the canonical one.
template <class T>
inline T relu(T x) {
  if constexpr (is_packed<T>) {
    return both([](auto half) { return relu(half); }, x);
  } else if constexpr (is_half<T>) {
    return narrow<T>(relu(widen(x)));
  } else {
    return x != x ? canonical_nan(x) : x > 0 ? x : T(0);
  }
}

// neg and abs work on the sign bit, also of NaN.
template <class T>
inline T flip_sign(T x) {
  if constexpr (is_packed<T>) {
    return both([](auto half) { return flip_sign(half); }, x);
  } else if constexpr (is_half<T>) {
    return {static_cast<u16>(x.raw ^ 0x8000)};
  } else {
    return -x;
  }
}
template <class T>
inline T clear_sign(T x) {
  if constexpr (is_packed<T>) {
    return both([](auto half) { return clear_sign(half); }, x);
  } else if constexpr (is_half<T>) {
    return {static_cast<u16>(x.raw & 0x7fff)};
  } else {
    return std::fabs(x);
  }
}
// The magnitude of `b` with the sign of `a`: PTX's order of the operands.
template <class T>
inline T copysign(T a, T b) {
  return std::copysign(b, a);
}

// min and max: a number wins against NaN (`nan`: NaN wins), -0 is less than +0.
template <class T>
inline T extremum(T a, T b, bool want_max, bool nan) {
  if constexpr (is_packed<T>) {
    return both([=](auto x, auto y) { return extremum(x, y, want_max, nan); }, a, b);
  } else if constexpr (is_half<T>) {
    return narrow<T>(extremum(widen(a), widen(b), want_max, nan));
  } else {
    if (a != a || b != b) {
      if (nan || (a != a && b != b)) return canonical_nan(a);
      return a != a ? b : a;
    }
    if (a == b) return std::signbit(a) == want_max ? b : a;
    return (a < b) == want_max ? b : a;
  }
}
// .xorsign.abs: of the magnitudes, with the exclusive or of the signs.
template <class T>
inline T extremum_xorsign(T a, T b, bool want_max, bool nan) {
  if constexpr (is_packed<T>) {
    return both([=](auto x, auto y) { return extremum_xorsign(x, y, want_max, nan); }, a, b);
  } else if constexpr (is_half<T>) {
    const T magnitude = extremum(clear_sign(a), clear_sign(b), want_max, nan);
    return {static_cast<u16>(magnitude.raw | ((a.raw ^ b.raw) & 0x8000))};
  } else {
    const bool negative = std::signbit(a) != std::signbit(b);
    const T magnitude = extremum(std::fabs(a), std::fabs(b), want_max, nan);
    return negative ? -magnitude : magnitude;
  }
}

}  // namespace assay::cuda_sim::ptx
