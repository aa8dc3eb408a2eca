// SPDX-License-Identifier: Apache-2.0
// Pieces in parallel, on vectors. GELU's Phi comes from formula 7.1.26 of Abramowitz and Stegun 1964, which is within
// 1.5e-7 of the error function (as near as float32 gets at 1) and shares its one exponential with the derivative.
#include "kernels/activation/activation.h"
#include "kernels/base/parallel.h"
#include "kernels/base/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/activation/activation_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After highway.h: compiled again for each target.
#include "kernels/base/simd_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::kernels {
namespace HWY_NAMESPACE {

// e^(-x^2 / 2), and Phi(x) from it.
template <class D>
struct Normal {
  hn::Vec<D> bell, phi;
  HWY_INLINE Normal(D d, hn::Vec<D> x) {
    bell = exp_or_nan(d, hn::Mul(hn::Mul(x, x), hn::Set(d, -0.5f)));
    const auto one = hn::Set(d, 1.0f);
    // erfc(|x| / sqrt(2)) = polynomial(t) * bell, t = 1 / (1 + 0.3275911 |x| / sqrt(2)).
    const auto t = hn::Div(one, hn::MulAdd(hn::Abs(x), hn::Set(d, 0.3275911f * 0.70710678f), one));
    auto polynomial = hn::MulAdd(t, hn::Set(d, 1.061405429f), hn::Set(d, -1.453152027f));
    polynomial = hn::MulAdd(polynomial, t, hn::Set(d, 1.421413741f));
    polynomial = hn::MulAdd(polynomial, t, hn::Set(d, -0.284496736f));
    polynomial = hn::MulAdd(polynomial, t, hn::Set(d, 0.254829592f));
    const auto tail = hn::Mul(hn::Mul(polynomial, t), hn::Mul(bell, hn::Set(d, 0.5f)));
    phi = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), tail, hn::Sub(one, tail));
  }
};

struct Gelu {
  template <class D>
  HWY_INLINE static hn::Vec<D> value(D d, hn::Vec<D> x) {
    return hn::Mul(x, Normal<D>(d, x).phi);
  }
  template <class D>
  HWY_INLINE static hn::Vec<D> derivative(D d, hn::Vec<D> x) {
    const Normal<D> normal(d, x);
    return hn::MulAdd(hn::Mul(x, normal.bell), hn::Set(d, 0.39894228f), normal.phi);  // 1 / sqrt(2 pi)
  }
};

// Comparisons are false for NaN, which thus falls through to x, or to NaN as derivative.
struct Relu {
  template <class D>
  HWY_INLINE static hn::Vec<D> value(D d, hn::Vec<D> x) {
    return hn::IfThenZeroElse(hn::Le(x, hn::Zero(d)), x);
  }
  template <class D>
  HWY_INLINE static hn::Vec<D> derivative(D d, hn::Vec<D> x) {
    const auto slope = hn::IfThenElse(hn::Gt(x, hn::Zero(d)), hn::Set(d, 1.0f), x);
    return hn::IfThenZeroElse(hn::Le(x, hn::Zero(d)), slope);
  }
};

struct Relu6 {
  template <class D>
  HWY_INLINE static hn::Vec<D> value(D d, hn::Vec<D> x) {
    const auto six = hn::Set(d, 6.0f);
    return hn::IfThenElse(hn::Ge(x, six), six, Relu::value(d, x));
  }
  template <class D>
  HWY_INLINE static hn::Vec<D> derivative(D d, hn::Vec<D> x) {
    return hn::IfThenZeroElse(hn::Ge(x, hn::Set(d, 6.0f)), Relu::derivative(d, x));
  }
};

struct EluPlusOne {
  template <class D>
  HWY_INLINE static hn::Vec<D> value(D d, hn::Vec<D> x) {
    const auto zero = hn::Zero(d);
    const auto positive = hn::Gt(x, zero);
    const auto exponential = exp_or_nan(d, hn::IfThenZeroElse(positive, x));
    return hn::IfThenElse(positive, hn::Add(x, hn::Set(d, 1.0f)), exponential);
  }
  template <class D>
  HWY_INLINE static hn::Vec<D> derivative(D d, hn::Vec<D> x) {
    return exp_or_nan(d, hn::IfThenZeroElse(hn::Gt(x, hn::Zero(d)), x));
  }
};

template <class Function>
void forward_of(const ActivationForwardArgs& a, int64_t begin, int64_t end) {
  for_lanes(end - begin, [&](auto d, int64_t i) {
    hn::StoreU(Function::value(d, hn::LoadU(d, a.x + begin + i)), d, a.y + begin + i);
  });
}

template <class Function>
void backward_of(const ActivationBackwardArgs& a, int64_t begin, int64_t end) {
  const bool accumulate = a.grad_x_mode == GradMode::kAccumulate;
  for_lanes(end - begin, [&](auto d, int64_t i) {
    const auto slope = Function::derivative(d, hn::LoadU(d, a.x + begin + i));
    store_grad(d, accumulate, hn::Mul(hn::LoadU(d, a.grad_y + begin + i), slope), a.grad_x + begin + i);
  });
}

void activation_forward_piece(const ActivationForwardArgs& a, int64_t begin, int64_t end) {
  switch (a.activation) {
    case Activation::kGelu:
      return forward_of<Gelu>(a, begin, end);
    case Activation::kRelu:
      return forward_of<Relu>(a, begin, end);
    case Activation::kRelu6:
      return forward_of<Relu6>(a, begin, end);
    case Activation::kEluPlusOne:
      return forward_of<EluPlusOne>(a, begin, end);
  }
}

void activation_backward_piece(const ActivationBackwardArgs& a, int64_t begin, int64_t end) {
  switch (a.activation) {
    case Activation::kGelu:
      return backward_of<Gelu>(a, begin, end);
    case Activation::kRelu:
      return backward_of<Relu>(a, begin, end);
    case Activation::kRelu6:
      return backward_of<Relu6>(a, begin, end);
    case Activation::kEluPlusOne:
      return backward_of<EluPlusOne>(a, begin, end);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace assay::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::kernels {

HWY_EXPORT(activation_forward_piece);
HWY_EXPORT(activation_backward_piece);

constexpr int64_t kElementsPerPiece = 1 << 15;  // some 20 microseconds of GELU

void activation_forward_cpu(const ActivationForwardArgs& a) {
  parallel_for(a.count, kElementsPerPiece, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(activation_forward_piece)(a, begin, end);
  });
}

void activation_backward_cpu(const ActivationBackwardArgs& a) {
  if (a.grad_x == nullptr) return;
  parallel_for(a.count, kElementsPerPiece, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(activation_backward_piece)(a, begin, end);
  });
}

}  // namespace assay::kernels
#endif
