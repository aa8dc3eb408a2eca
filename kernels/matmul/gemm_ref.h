// SPDX-License-Identifier: Apache-2.0
// The matrix product and its epilogue by their definitions, in double.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/matmul/gemm.h"

namespace assay::kernels::ref {

struct GemmElement {
  double value;
  double magnitude;  // sum of |a| |b|, which bounds the error
};

template <class Input, class Output>
GemmElement gemm_element(const GemmProblem<Input, Output>& args, int64_t row, int64_t column, int64_t matrix = 0) {
  GemmElement e = {0, 0};
  const Input* left = args.a + matrix * args.stride_a;
  const Input* right = args.b + matrix * args.stride_b;
  for (int64_t k = 0; k < args.k; ++k) {
    const double a = args.transpose_a ? left[k * args.lda + row] : left[row * args.lda + k];
    const double b = args.transpose_b ? right[column * args.ldb + k] : right[k * args.ldb + column];
    e.value += a * b;
    e.magnitude += std::abs(a * b);
  }
  return e;
}

// The number with 11 bits of precision nearest to x, ties away from zero. For |x| >= 2^-126 or 0.
inline double nearest_tf32(double x) {
  int exponent;
  const double fraction = std::frexp(x, &exponent);  // magnitude in [1/2, 1)
  return std::ldexp(std::round(std::ldexp(fraction, 11)), exponent - 11);
}

struct FinishedElement {
  double value;
  double tolerance;
};

// What the epilogue makes of a product that is within `relative_error` * magnitude of the exact one, `before` being
// what c held.
inline FinishedElement finished_element(const GemmEpilogue& e, const GemmElement& product, double relative_error,
                                        float before, int64_t row, int64_t column, int64_t matrix = 0) {
  const double bias = e.bias != nullptr ? e.bias[column] : 0;
  const double residual =
      e.residual != nullptr ? e.residual[matrix * e.stride_residual + row * e.ld_residual + column] : 0;
  const double kept = e.beta != 0 ? static_cast<double>(e.beta) * before : 0;
  const double scaled = std::abs(e.alpha) * product.magnitude;
  double x = e.alpha * product.value + kept + bias + residual;
  // Four operations on partial sums, each rounded; none of them where there is nothing to do.
  const double terms = scaled + std::abs(kept) + std::abs(bias) + std::abs(residual);
  double tolerance = relative_error * scaled + (e.is_plain() ? 0 : 4 * std::ldexp(terms, -23));
  switch (e.activation) {
    case GemmActivation::kNone:
      break;
    case GemmActivation::kRelu:
      x = std::max(x, 0.0);
      break;
    case GemmActivation::kRelu6:
      x = std::min(std::max(x, 0.0), 6.0);
      break;
    case GemmActivation::kGelu:
      // The slope is below 1.13. erf errs by two units in its last place, at most 1, before it is scaled by x / 2.
      tolerance = 1.13 * tolerance + 4 * std::ldexp(std::abs(x), -23);
      x = 0.5 * x * (1 + std::erf(x * std::sqrt(0.5)));
      break;
  }
  return {x, tolerance};
}

inline double gemm_flops(int64_t m, int64_t n, int64_t k) { return 2.0 * m * n * k; }

}  // namespace assay::kernels::ref
