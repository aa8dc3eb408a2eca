// SPDX-License-Identifier: Apache-2.0
// Chunks in parallel, on vectors. StableAdamW goes over the parameters twice: moments and the sum of squared updates
// first, then, with the tensor's RMS, the parameters.
#include <algorithm>
#include <cmath>

#include "kernels/base/parallel.h"
#include "kernels/base/simd.h"
#include "kernels/optim/step.h"
#include "kernels/optim/step_factors.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/optim/step_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After highway.h: compiled again for each target.
#include "kernels/base/simd_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::kernels {
namespace HWY_NAMESPACE {

void sgd_chunk(const SgdArgs& a, const OptimTensor& t, int64_t first, int64_t count, float grad_scale) {
  const auto rate = static_cast<float>(a.learning_rate), momentum = static_cast<float>(a.momentum);
  const auto decay = static_cast<float>(a.weight_decay);
  for_lanes(count, [&](auto d, int64_t j) {
    const int64_t i = first + j;
    const auto value = hn::LoadU(d, t.value + i);
    const auto grad = hn::Mul(hn::LoadU(d, t.grad + i), hn::Set(d, grad_scale));
    auto move = hn::MulAdd(value, hn::Set(d, decay), grad);
    if (t.moment1 != nullptr) {
      move = hn::MulAdd(hn::LoadU(d, t.moment1 + i), hn::Set(d, momentum), move);
      hn::StoreU(move, d, t.moment1 + i);
    }
    hn::StoreU(hn::NegMulAdd(move, hn::Set(d, rate), value), d, t.value + i);
  });
}

// The gradient at i, scaled and with coupled decay.
template <class D>
HWY_INLINE hn::Vec<D> grad_at(D d, const AdamFactors& f, const OptimTensor& t, int64_t i, float grad_scale) {
  const auto grad = hn::Mul(hn::LoadU(d, t.grad + i), hn::Set(d, grad_scale));
  return hn::MulAdd(hn::LoadU(d, t.value + i), hn::Set(d, f.coupled), grad);
}

// Moves the moments at i; returns sqrt(v / c2) + eps.
template <class D>
HWY_INLINE hn::Vec<D> move_moments(D d, const AdamFactors& f, const OptimTensor& t, int64_t i, hn::Vec<D> grad) {
  const auto m = hn::MulAdd(hn::LoadU(d, t.moment1 + i), hn::Set(d, f.beta1), hn::Mul(grad, hn::Set(d, f.rest1)));
  hn::StoreU(m, d, t.moment1 + i);
  const auto squared = hn::Mul(hn::Mul(grad, grad), hn::Set(d, f.rest2));
  auto v = hn::MulAdd(hn::LoadU(d, t.moment2 + i), hn::Set(d, f.beta2), squared);
  hn::StoreU(v, d, t.moment2 + i);
  if (f.amsgrad) {
    const auto most = hn::LoadU(d, t.most_moment2 + i);
    v = hn::IfThenElse(hn::Gt(most, v), most, v);  // NaN in v stays
    hn::StoreU(v, d, t.most_moment2 + i);
  }
  return hn::MulAdd(hn::Sqrt(v), hn::Set(d, f.root), hn::Set(d, f.eps));
}

// p = keep * p - rate * m / denominator at i.
template <class D>
HWY_INLINE void move_value(D d, const AdamFactors& f, const OptimTensor& t, int64_t i, float rate,
                           hn::Vec<D> denominator) {
  const auto kept = hn::Mul(hn::LoadU(d, t.value + i), hn::Set(d, f.keep));
  const auto move = hn::Div(hn::LoadU(d, t.moment1 + i), denominator);
  hn::StoreU(hn::NegMulAdd(move, hn::Set(d, rate), kept), d, t.value + i);
}

void adam_chunk(const AdamFactors& f, const OptimTensor& t, int64_t first, int64_t count, float grad_scale) {
  for_lanes(count, [&](auto d, int64_t j) {
    const int64_t i = first + j;
    move_value(d, f, t, i, f.rate, move_moments(d, f, t, i, grad_at(d, f, t, i, grad_scale)));
  });
}

// Moves the moments of a chunk; returns the sum of u^2.
double stable_moments_chunk(const AdamFactors& f, const OptimTensor& t, int64_t first, int64_t count,
                            float grad_scale) {
  constexpr int64_t kRun = 256;  // elements whose squares are summed in float32
  double sum = 0;
  for (int64_t from = 0; from < count; from += kRun) {
    sum += sum_of(std::min(kRun, count - from), [&](auto d, int64_t j) {
      const int64_t i = first + from + j;
      const auto grad = grad_at(d, f, t, i, grad_scale);
      const auto update = hn::Div(grad, move_moments(d, f, t, i, grad));
      return hn::Mul(update, update);
    });
  }
  return sum;
}

void stable_values_chunk(const AdamFactors& f, const OptimTensor& t, int64_t first, int64_t count, float rate) {
  for_lanes(count, [&](auto d, int64_t j) {
    const int64_t i = first + j;
    const auto v = hn::LoadU(d, (f.amsgrad ? t.most_moment2 : t.moment2) + i);
    move_value(d, f, t, i, rate, hn::MulAdd(hn::Sqrt(v), hn::Set(d, f.root), hn::Set(d, f.eps)));
  });
}

// In double: gradients may be so small or large that their squares leave float32's range.
double squares_chunk(const float* x, int64_t count) {
  double sums[4] = {};
  int64_t i = 0;
  for (; i + 4 <= count; i += 4) {
    for (int j = 0; j < 4; ++j) sums[j] += static_cast<double>(x[i + j]) * x[i + j];
  }
  for (; i < count; ++i) sums[0] += static_cast<double>(x[i]) * x[i];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

}  // namespace HWY_NAMESPACE
}  // namespace assay::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::kernels {

HWY_EXPORT(sgd_chunk);
HWY_EXPORT(adam_chunk);
HWY_EXPORT(stable_moments_chunk);
HWY_EXPORT(stable_values_chunk);
HWY_EXPORT(squares_chunk);

// body(chunk number, tensor, first element, number of elements) for each chunk, in parallel.
template <class Body>
static void for_each_chunk(const ParameterList& list, const Body& body) {
  parallel_for(list.num_chunks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c) {
      const OptimChunk& chunk = list.chunks[c];
      const OptimTensor& tensor = list.tensors[chunk.tensor];
      body(c, tensor, chunk.first, std::min(kOptimChunk, tensor.count - chunk.first));
    }
  });
}

static float scale_of(const float* grad_scale) { return grad_scale == nullptr ? 1.0f : *grad_scale; }

void sgd_step_cpu(const SgdArgs& a) {
  const float scale = scale_of(a.grad_scale);
  for_each_chunk(a.parameters, [&](int64_t, const OptimTensor& t, int64_t first, int64_t count) {
    HWY_DYNAMIC_DISPATCH(sgd_chunk)(a, t, first, count, scale);
  });
}

void adam_step_cpu(const AdamArgs& a) {
  const AdamFactors f = adam_factors(a);
  const float scale = scale_of(a.grad_scale);
  for_each_chunk(a.parameters, [&](int64_t, const OptimTensor& t, int64_t first, int64_t count) {
    HWY_DYNAMIC_DISPATCH(adam_chunk)(f, t, first, count, scale);
  });
}

void stable_adamw_step_cpu(const StableAdamWArgs& a) {
  const AdamFactors f = adam_factors(a);
  const float scale = scale_of(a.grad_scale);
  for_each_chunk(a.parameters, [&](int64_t c, const OptimTensor& t, int64_t first, int64_t count) {
    a.workspace[c] = HWY_DYNAMIC_DISPATCH(stable_moments_chunk)(f, t, first, count, scale);
  });
  for_each_chunk(a.parameters, [&](int64_t, const OptimTensor& t, int64_t first, int64_t count) {
    double squares = 0;
    for (int64_t i = 0; i < t.num_chunks; ++i) squares += a.workspace[t.first_chunk + i];
    const double excess = std::sqrt(squares / static_cast<double>(t.count)) / a.clip;
    const double clipped = excess <= 1 ? 1 : excess;  // NaN stays
    HWY_DYNAMIC_DISPATCH(stable_values_chunk)(f, t, first, count, static_cast<float>(f.rate / clipped));
  });
}

void gradient_norm_cpu(const GradientNormArgs& a) {
  for_each_chunk(a.parameters, [&](int64_t c, const OptimTensor& t, int64_t first, int64_t count) {
    a.workspace[c] = HWY_DYNAMIC_DISPATCH(squares_chunk)(t.grad + first, count);
  });
  double squares = 0;
  for (int64_t c = 0; c < a.parameters.num_chunks; ++c) squares += a.workspace[c];
  const double norm = std::sqrt(squares), scale = a.most / (norm + 1e-6);
  *a.norm = static_cast<float>(norm);
  *a.scale = scale >= 1 ? 1.0f : static_cast<float>(scale);
}

}  // namespace assay::kernels
#endif
