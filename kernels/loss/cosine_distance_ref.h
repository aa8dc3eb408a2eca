// SPDX-License-Identifier: Apache-2.0
// The equations of cosine_distance.h in double, bounds of float32's errors, and the cases of the tests.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/loss/cosine_distance.h"

namespace assay::kernels::ref {

struct CosineCase {
  int64_t rows, cols;
};

// Columns around the vector widths, a run of 1024 and a piece; rows around a block's warps.
inline const std::vector<CosineCase> kCosineCases = {{0, 5},    {1, 1},    {3, 2},     {7, 5},    {8, 7},    {9, 8},
                                                     {5, 15},   {4, 16},   {3, 17},    {2, 31},   {2, 33},   {2, 64},
                                                     {3, 65},   {40, 3},   {3, 1023},  {3, 1025}, {2, 8191}, {2, 8192},
                                                     {3, 8193}, {2, 8196}, {1, 20000}, {2, 16384}};

struct CosineForward {
  std::vector<double> distance, norms;
  std::vector<double> distance_tolerance, norms_tolerance;
};

// Sums of 1024 float32 products in four partial sums, the rest in double, one rounding at the end.
inline CosineForward cosine_distance_forward(const std::vector<double>& a, const std::vector<double>& b,
                                             const CosineCase& s) {
  CosineForward f;
  const double off = (256 + 8) * 0x1p-24, eps = kCosineEps;
  for (int64_t r = 0; r < s.rows; ++r) {
    double product = 0, size = 0, square_a = 0, square_b = 0;
    for (int64_t i = r * s.cols; i < (r + 1) * s.cols; ++i) {
      product += a[i] * b[i], size += std::fabs(a[i] * b[i]);
      square_a += a[i] * a[i], square_b += b[i] * b[i];
    }
    const double norm_a = std::sqrt(square_a), norm_b = std::sqrt(square_b);
    const double scale = std::max(norm_a, eps) * std::max(norm_b, eps);
    f.distance.push_back(1 - product / scale);
    f.distance_tolerance.push_back(off * (size + std::fabs(product)) / scale + 0x1p-24 * std::fabs(f.distance.back()));
    f.norms.insert(f.norms.end(), {norm_a, norm_b});
    f.norms_tolerance.insert(f.norms_tolerance.end(), {off * norm_a, off * norm_b});
  }
  return f;
}

struct CosineGrads {
  std::vector<double> a, b, a_tolerance, b_tolerance;
};

// distance and norms as they were saved: rounded, so that cos = 1 - distance is off by a rounding of distance.
inline CosineGrads cosine_distance_backward(const std::vector<double>& a, const std::vector<double>& b,
                                            const std::vector<double>& distance, const std::vector<double>& norms,
                                            const std::vector<double>& grad, const CosineCase& s) {
  CosineGrads g;
  const double u = 0x1p-24, eps = kCosineEps;
  for (int64_t r = 0; r < s.rows; ++r) {
    const double norm_a = norms[2 * r], norm_b = norms[2 * r + 1], cos = 1 - distance[r];
    const double other = -grad[r] / (std::max(norm_a, eps) * std::max(norm_b, eps));
    const double own_a = norm_a <= eps ? 0 : grad[r] * cos / (norm_a * norm_a);
    const double own_b = norm_b <= eps ? 0 : grad[r] * cos / (norm_b * norm_b);
    for (int64_t i = r * s.cols; i < (r + 1) * s.cols; ++i) {
      g.a.push_back(own_a * a[i] + other * b[i]);
      g.b.push_back(own_b * b[i] + other * a[i]);
      g.a_tolerance.push_back(4 * u * (std::fabs(own_a * a[i]) + std::fabs(other * b[i])));
      g.b_tolerance.push_back(4 * u * (std::fabs(own_b * b[i]) + std::fabs(other * a[i])));
    }
  }
  return g;
}

inline double cosine_distance_forward_bytes(int64_t rows, int64_t cols) { return 8.0 * rows * cols; }
inline double cosine_distance_forward_flop(int64_t rows, int64_t cols) { return 6.0 * rows * cols; }
// With grad_a alone, as in training.
inline double cosine_distance_backward_bytes(int64_t rows, int64_t cols) { return 12.0 * rows * cols; }

}  // namespace assay::kernels::ref
