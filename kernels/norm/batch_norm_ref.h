// SPDX-License-Identifier: Apache-2.0
// The equations of batch_norm.h in double, bounds of float32's errors, and the cases of the tests and the benchmark.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace assay::kernels::ref {

struct BatchNormCase {
  int64_t rows, cols;
};

// Rows around a block's and a slab's, columns around a vector's and a block's.
inline const std::vector<BatchNormCase> kBatchNormCases = {
    {2, 1},    {2, 5},    {7, 3},    {8, 4},    {9, 7},    {127, 8},  {128, 9}, {129, 15},
    {130, 16}, {255, 17}, {256, 31}, {257, 32}, {300, 33}, {513, 63}, {64, 65}, {1030, 96}};

// A slab's rows are summed one after the other.
constexpr double kBatchNormRoundings = (128 + 8) * 0x1p-24;

struct BatchNormStatistics {
  std::vector<double> mean, variance, mean_tolerance, variance_tolerance;
};

inline BatchNormStatistics batch_norm_statistics(const std::vector<double>& x, const BatchNormCase& s) {
  BatchNormStatistics f;
  for (int64_t c = 0; c < s.cols; ++c) {
    double mean = 0, largest = 0, variance = 0;
    for (int64_t r = 0; r < s.rows; ++r) {
      mean += x[r * s.cols + c] / s.rows, largest = std::max(largest, std::fabs(x[r * s.cols + c]));
    }
    for (int64_t r = 0; r < s.rows; ++r) variance += std::pow(x[r * s.cols + c] - mean, 2) / s.rows;
    // A slab's mean is off by at most `off`: squares about it are too large by its square, and the square of the slab
    // mean's own distance from the column's, at most a deviation on average, is off by twice its product.
    const double off = kBatchNormRoundings * largest;
    f.mean.push_back(mean), f.mean_tolerance.push_back(off);
    f.variance.push_back(variance);
    f.variance_tolerance.push_back(kBatchNormRoundings * variance + 2 * off * std::sqrt(variance) + 2 * off * off);
  }
  return f;
}

struct BatchNormValues {
  std::vector<double> y, tolerance;
};

inline BatchNormValues batch_norm_apply(const std::vector<double>& x, const std::vector<double>& mean,
                                        const std::vector<double>& variance, const std::vector<double>& gamma,
                                        const std::vector<double>& beta, const BatchNormCase& s, double eps) {
  BatchNormValues f;
  for (int64_t i = 0; i < s.rows * s.cols; ++i) {
    const int64_t c = i % s.cols;
    const double xhat = (x[i] - mean[c]) / std::sqrt(variance[c] + eps);
    f.y.push_back(xhat * gamma[c] + beta[c]);
    // One rounding each of the sum, its root, the quotient, the difference and three more operations.
    f.tolerance.push_back(8 * 0x1p-24 * (std::fabs(xhat * gamma[c]) + std::fabs(beta[c])));
  }
  return f;
}

struct BatchNormBackward {
  std::vector<double> x, gamma, beta;
  std::vector<double> x_tolerance, gamma_tolerance, beta_tolerance;
};

// mean and variance as they were saved.
inline BatchNormBackward batch_norm_backward(const std::vector<double>& x, const std::vector<double>& mean,
                                             const std::vector<double>& variance, const std::vector<double>& gamma,
                                             const std::vector<double>& grad_y, const BatchNormCase& s, double eps) {
  BatchNormBackward b;
  b.x.resize(x.size()), b.x_tolerance.resize(x.size());
  for (int64_t c = 0; c < s.cols; ++c) {
    const double rstd = 1 / std::sqrt(variance[c] + eps), rows = static_cast<double>(s.rows);
    double sum = 0, projection = 0, sum_size = 0, projection_size = 0;
    for (int64_t r = 0; r < s.rows; ++r) {
      const double xhat = (x[r * s.cols + c] - mean[c]) * rstd, g = grad_y[r * s.cols + c];
      sum += g, sum_size += std::fabs(g);
      projection += g * xhat, projection_size += std::fabs(g * xhat);
    }
    b.gamma.push_back(projection), b.gamma_tolerance.push_back(kBatchNormRoundings * projection_size);
    b.beta.push_back(sum), b.beta_tolerance.push_back(kBatchNormRoundings * sum_size);
    for (int64_t r = 0; r < s.rows; ++r) {
      const int64_t i = r * s.cols + c;
      const double xhat = (x[i] - mean[c]) * rstd;
      b.x[i] = gamma[c] * rstd * (grad_y[i] - (sum + xhat * projection) / rows);
      b.x_tolerance[i] = std::fabs(gamma[c]) * rstd *
                         (8 * 0x1p-24 * std::fabs(grad_y[i]) +
                          (kBatchNormRoundings + 8 * 0x1p-24) * (sum_size + std::fabs(xhat) * projection_size) / rows);
    }
  }
  return b;
}

// Compulsory traffic and arithmetic.
inline double batch_norm_statistics_bytes(int64_t rows, int64_t cols) { return 4.0 * (1.0 * rows * cols + 4 * cols); }
inline double batch_norm_statistics_flop(int64_t rows, int64_t cols) { return 4.0 * rows * cols; }
inline double batch_norm_apply_bytes(int64_t rows, int64_t cols) { return 4.0 * (2.0 * rows * cols + 4 * cols); }
inline double batch_norm_apply_flop(int64_t rows, int64_t cols) { return 4.0 * rows * cols; }
inline double batch_norm_backward_bytes(int64_t rows, int64_t cols) { return 4.0 * (3.0 * rows * cols + 5 * cols); }
inline double batch_norm_backward_flop(int64_t rows, int64_t cols) { return 11.0 * rows * cols; }

}  // namespace assay::kernels::ref
