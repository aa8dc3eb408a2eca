// SPDX-License-Identifier: Apache-2.0
// Random inputs, comparison with a reference in double, and gradients by central differences.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

namespace assay::testing {

constexpr double kFloatRounding = 0x1p-24;  // relative error of one rounding to float32

inline std::vector<float> random_floats(int64_t count, uint32_t seed, double low = -2, double high = 2) {
  std::mt19937 engine(seed);
  std::vector<float> x(count);
  for (float& v : x) v = static_cast<float>(low + (high - low) * (engine() * 0x1p-32));
  return x;
}

inline std::vector<double> to_double(const std::vector<float>& x) { return {x.begin(), x.end()}; }

// Elements that are farther from `want` than `tolerance`, or NaN where `want` is not.
inline int64_t count_wrong(const std::vector<float>& got, const std::vector<double>& want,
                           const std::vector<double>& tolerance) {
  if (got.size() != want.size() || got.size() != tolerance.size()) return -1;
  int64_t wrong = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    if (!(std::fabs(got[i] - want[i]) <= tolerance[i])) ++wrong;
  }
  return wrong;
}

// Whether two vectors are equal bit by bit, NaN included.
inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

// Fills a GuardedBuffer, from its start; returns it.
template <class Buffer>
Buffer& fill(Buffer& buffer, const std::vector<float>& values) {
  for (size_t i = 0; i < values.size(); ++i) buffer[static_cast<int64_t>(i)] = values[i];
  return buffer;
}

// Elements of `sum` that are not held + once, up to the rounding that a fused multiply-add saves.
inline int64_t count_not_added(const std::vector<float>& sum, const std::vector<float>& once, float held) {
  std::vector<double> want, tolerance;
  for (const float v : once) {
    want.push_back(static_cast<double>(v) + held);
    tolerance.push_back(2 * kFloatRounding * (std::fabs(v) + std::fabs(held)));
  }
  return count_wrong(sum, want, tolerance);
}

// Derivatives of loss(x) by central differences. In double with steps of 1e-5 the error is some 1e-10 times the third
// derivative, and 1e-11 times the loss from rounding.
template <class Loss>
std::vector<double> central_differences(std::vector<double> x, const Loss& loss) {
  constexpr double kStep = 1e-5;
  std::vector<double> gradient;
  for (double& v : x) {
    const double at = v;
    v = at + kStep;
    const double above = loss(x);
    v = at - kStep;
    const double below = loss(x);
    v = at;
    gradient.push_back((above - below) / (2 * kStep));
  }
  return gradient;
}

inline double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// The largest |a - b|; infinite for vectors of different lengths or with a NaN.
inline double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return INFINITY;
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double difference = std::fabs(a[i] - b[i]);
    if (!(difference <= largest)) largest = std::isnan(difference) ? INFINITY : difference;
  }
  return largest;
}

}  // namespace assay::testing
