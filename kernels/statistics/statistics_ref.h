// SPDX-License-Identifier: Apache-2.0
// The statistics of this folder by their definitions, on sorted copies, in double; and rows to take them of.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace assay::kernels::ref {

// Ascending; -0 before +0, NaN last.
inline std::vector<double> sorted(const std::vector<double>& x) {
  std::vector<double> s = x;
  std::sort(s.begin(), s.end(), [](double a, double b) {
    if (std::isnan(a) || std::isnan(b)) return !std::isnan(a) && std::isnan(b);
    return a < b || (a == b && std::signbit(a) && !std::signbit(b));
  });
  return s;
}

inline double median(const std::vector<double>& x) {
  const std::vector<double> s = sorted(x);
  const size_t n = s.size();
  return n % 2 == 1 ? s[n / 2] : (s[n / 2 - 1] + s[n / 2]) / 2;
}

struct TopMean {
  double mean;
  double magnitude;  // mean of |value| over the same values
};

inline TopMean top_mean(const std::vector<double>& x, int64_t k) {
  const std::vector<double> s = sorted(x);
  long double sum = 0, magnitude = 0;
  for (size_t i = s.size() - k; i < s.size(); ++i) {
    sum += s[i];
    magnitude += std::fabs(s[i]);
  }
  return {static_cast<double>(sum / k), static_cast<double>(magnitude / k)};
}

// ---- Rows

// Each kind stresses the selection otherwise: spread over all exponents and both signs, within one byte of the key,
// equal up to a few values, and whole numbers with many ties.
inline const std::vector<std::string> kRowKinds = {"wide", "narrow", "constant", "ties"};

inline std::vector<float> row(const std::string& kind, int64_t n, uint32_t seed) {
  std::mt19937 engine(seed);
  std::vector<float> x;
  for (int64_t i = 0; i < n; ++i) {
    const double u = engine() * 0x1p-32;
    if (kind == "wide") x.push_back(static_cast<float>(std::ldexp(u - 0.5, static_cast<int>(engine() % 250) - 125)));
    if (kind == "narrow") x.push_back(static_cast<float>(1 + u / 1000));
    if (kind == "constant") x.push_back(engine() % 50 == 0 ? -0.0f : 0.25f);
    if (kind == "ties") x.push_back(static_cast<float>(engine() % 7) - 3);
  }
  return x;
}

}  // namespace assay::kernels::ref
