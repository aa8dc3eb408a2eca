// SPDX-License-Identifier: Apache-2.0
// The equations of covariance.h in double, in two passes over dense matrices, and the cases of its tests.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace assay::kernels {

struct CovarianceCase {
  int64_t positions, samples, channels;
};

// Channels around the vector widths 2, 4 and 8; positions around the kernel's piece of 8.
inline const std::vector<CovarianceCase> kCovarianceCases = {
    {0, 3, 4}, {1, 1, 1}, {1, 2, 1},  {3, 1, 5},  {2, 4, 2},  {5, 3, 3},  {7, 6, 4},   {8, 5, 5},
    {9, 4, 7}, {4, 9, 8}, {3, 11, 9}, {2, 6, 15}, {2, 7, 16}, {1, 8, 17}, {17, 3, 31}, {2, 13, 100}};

struct CovarianceExpected {
  std::vector<double> mean;        // (P, D)
  std::vector<double> covariance;  // (P, D, D)
  std::vector<double> magnitude;   // (P, D, D): what rounding errors of one sample's term are measured against
};

// x (N, P, D), N >= 1. Divides by N - 1; zero for a single sample.
inline CovarianceExpected covariance_ref(const std::vector<float>& x, const CovarianceCase& s) {
  const int64_t size = s.positions * s.channels;
  CovarianceExpected e;
  std::vector<double> largest(size, 0), spread(size, 0);
  for (int64_t i = 0; i < size; ++i) {
    double sum = 0;
    for (int64_t n = 0; n < s.samples; ++n) sum += x[n * size + i];
    e.mean.push_back(sum / s.samples);
    for (int64_t n = 0; n < s.samples; ++n) {
      largest[i] = std::max(largest[i], std::fabs(double{x[n * size + i]}));
      spread[i] = std::max(spread[i], std::fabs(x[n * size + i] - e.mean[i]));
    }
  }
  for (int64_t p = 0; p < s.positions; ++p) {
    for (int64_t i = p * s.channels; i < (p + 1) * s.channels; ++i) {
      for (int64_t j = p * s.channels; j < (p + 1) * s.channels; ++j) {
        double sum = 0;
        for (int64_t n = 0; n < s.samples; ++n) {
          sum += (x[n * size + i] - e.mean[i]) * (x[n * size + j] - e.mean[j]);
        }
        e.covariance.push_back(s.samples > 1 ? sum / (s.samples - 1) : 0);
        e.magnitude.push_back(spread[i] * spread[j] + largest[i] * spread[j] + largest[j] * spread[i]);
      }
    }
  }
  return e;
}

}  // namespace assay::kernels
