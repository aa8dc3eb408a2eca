// SPDX-License-Identifier: Apache-2.0
// The functions of activation.h and their derivatives in double, bounds of float32's errors, and the cases of the
// tests.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/activation/activation.h"

namespace assay::kernels::ref {

inline const std::vector<Activation> kActivations = {Activation::kGelu, Activation::kRelu, Activation::kRelu6,
                                                     Activation::kEluPlusOne};

// Around the vector widths, packs, and blocks of packs; the largest makes the CPU cut pieces.
inline const std::vector<int64_t> kActivationCounts = {0,  1,  2,  3,  4,  5,   7,   8,    9,    15,   16,   17,
                                                       31, 32, 33, 63, 65, 255, 257, 1023, 1024, 1028, 40000};

inline double activation(Activation f, double x) {
  switch (f) {
    case Activation::kGelu:
      return x * 0.5 * std::erfc(-x / std::sqrt(2.0));
    case Activation::kRelu:
      return std::max(x, 0.0);
    case Activation::kRelu6:
      return std::min(std::max(x, 0.0), 6.0);
    case Activation::kEluPlusOne:
      return x > 0 ? x + 1 : std::exp(x);
  }
  return NAN;
}

inline double activation_derivative(Activation f, double x) {
  switch (f) {
    case Activation::kGelu:
      return 0.5 * std::erfc(-x / std::sqrt(2.0)) + x * std::exp(-x * x / 2) / std::sqrt(2 * std::acos(-1.0));
    case Activation::kRelu:
      return x > 0 ? 1 : 0;
    case Activation::kRelu6:
      return x > 0 && x < 6 ? 1 : 0;
    case Activation::kEluPlusOne:
      return x > 0 ? 1 : std::exp(x);
  }
  return NAN;
}

// Phi by its formula is within 0.75e-7 and a few roundings; an exponential within 4 units in the last place, and where
// its argument -x^2 / 2 was rounded, within that much more.
inline double activation_tolerance(Activation f, double x) {
  const double u = 0x1p-24;
  switch (f) {
    case Activation::kGelu:
      return std::fabs(x) * (0.75e-7 + 6 * u);
    case Activation::kRelu:
    case Activation::kRelu6:
      return 0;
    case Activation::kEluPlusOne:
      return 8 * u * activation(f, x);
  }
  return 0;
}

inline double activation_derivative_tolerance(Activation f, double x) {
  const double u = 0x1p-24;
  if (f != Activation::kGelu) return activation_tolerance(f, std::min(x, 0.0));
  return 0.75e-7 + 6 * u + std::fabs(x) * std::exp(-x * x / 2) * (10 * u + x * x * u);
}

inline double activation_forward_bytes(int64_t count) { return 8.0 * count; }
inline double activation_backward_bytes(int64_t count) { return 12.0 * count; }
inline double gelu_flop(int64_t count) { return 30.0 * count; }  // an exponential, a division, a polynomial

}  // namespace assay::kernels::ref
