// SPDX-License-Identifier: Apache-2.0
// The equation of mahalanobis.h over dense matrices in long double: S = L L^T is formed and S z = x - mean solved by
// elimination with pivoting. With it the cases of its tests.
#pragma once

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

namespace assay::kernels {

struct MahalanobisCase {
  int64_t positions, channels;
};

// Channels around the vector widths 2, 4 and 8; positions around the kernel's piece of 32.
inline const std::vector<MahalanobisCase> kMahalanobisCases = {{0, 4},  {1, 1},  {5, 2},  {31, 3}, {32, 4}, {33, 5},
                                                               {3, 7},  {3, 8},  {3, 9},  {2, 15}, {2, 16}, {2, 17},
                                                               {65, 2}, {1, 31}, {1, 33}, {2, 100}};

// S z = r for a symmetric positive definite S (D, D).
inline std::vector<long double> solve(std::vector<long double> s, std::vector<long double> r) {
  const int64_t order = static_cast<int64_t>(r.size());
  for (int64_t k = 0; k < order; ++k) {
    int64_t pivot = k;
    for (int64_t i = k + 1; i < order; ++i) {
      if (std::fabs(s[i * order + k]) > std::fabs(s[pivot * order + k])) pivot = i;
    }
    for (int64_t j = 0; j < order; ++j) std::swap(s[k * order + j], s[pivot * order + j]);
    std::swap(r[k], r[pivot]);
    for (int64_t i = k + 1; i < order; ++i) {
      const long double share = s[i * order + k] / s[k * order + k];
      for (int64_t j = k; j < order; ++j) s[i * order + j] -= share * s[k * order + j];
      r[i] -= share * r[k];
    }
  }
  for (int64_t i = order - 1; i >= 0; --i) {
    for (int64_t j = i + 1; j < order; ++j) r[i] -= s[i * order + j] * r[j];
    r[i] /= s[i * order + i];
  }
  return r;
}

// One position: x and mean (D), factor L (D, D) dense.
inline double mahalanobis_ref(const float* x, const float* mean, const std::vector<float>& factor, int64_t channels) {
  std::vector<long double> s(channels * channels, 0), r;
  for (int64_t i = 0; i < channels; ++i) {
    r.push_back(static_cast<long double>(x[i]) - mean[i]);
    for (int64_t j = 0; j < channels; ++j) {
      for (int64_t k = 0; k < channels; ++k) {
        s[i * channels + j] += static_cast<long double>(factor[i * channels + k]) * factor[j * channels + k];
      }
    }
  }
  const std::vector<long double> z = solve(s, r);
  long double squared = 0;
  for (int64_t i = 0; i < channels; ++i) squared += r[i] * z[i];
  return static_cast<double>(std::sqrt(squared));
}

}  // namespace assay::kernels
