// SPDX-License-Identifier: Apache-2.0
// The equations of layer_norm.h in double, bounds of float32's errors, and the cases of the tests and the benchmark.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

namespace assay::kernels::ref {

struct LayerNormCase {
  int64_t rows, cols;
};

// Columns around the vector widths and a warp's packs, and past kWarpRowCols; rows around a block's and a slab's.
inline const std::vector<LayerNormCase> kLayerNormCases = {
    {0, 5},   {1, 1},   {1, 3},   {2, 4},    {7, 5},    {8, 7},    {9, 8},    {3, 15},   {5, 16},  {4, 17},
    {3, 31},  {3, 32},  {3, 33},  {2, 63},   {2, 65},   {3, 127},  {3, 128},  {2, 132},  {65, 12}, {127, 6},
    {128, 9}, {129, 5}, {257, 3}, {20, 384}, {10, 768}, {2, 2047}, {2, 2048}, {2, 2049}, {2, 2052}};

// What a float32 sum of C terms rounds, at the least number of partial sums (four) that a backend has.
inline double layer_norm_roundings(int64_t count) { return (count / 4.0 + 8) * 0x1p-24; }

struct LayerNormForward {
  std::vector<double> y, mean, rstd;
  std::vector<double> y_tolerance, mean_tolerance, rstd_tolerance;
};

inline LayerNormForward layer_norm_forward(const std::vector<double>& x, const std::vector<double>& gamma,
                                           const std::vector<double>& beta, const LayerNormCase& s, double eps) {
  LayerNormForward f;
  const double u = 0x1p-24;
  for (int64_t r = 0; r < s.rows; ++r) {
    const double* row = x.data() + r * s.cols;
    double mean = 0, magnitude = 0, variance = 0;
    for (int64_t c = 0; c < s.cols; ++c) mean += row[c] / s.cols, magnitude += std::fabs(row[c]) / s.cols;
    for (int64_t c = 0; c < s.cols; ++c) variance += (row[c] - mean) * (row[c] - mean) / s.cols;
    const double rstd = 1 / std::sqrt(variance + eps);
    // The mean is off by `off`, and with it every centred value; the variance by the square's error.
    const double off = layer_norm_roundings(s.cols) * magnitude;
    const double variance_off = layer_norm_roundings(s.cols) * variance + 2 * off * std::sqrt(variance) + off * off;
    const double rstd_off = 0.5 * variance_off / (variance + eps) + 4 * u;  // relative, to first order
    f.mean.push_back(mean);
    f.rstd.push_back(rstd);
    f.mean_tolerance.push_back(off);
    f.rstd_tolerance.push_back(2 * rstd_off * rstd);
    for (int64_t c = 0; c < s.cols; ++c) {
      const double xhat = (row[c] - mean) * rstd;
      f.y.push_back(xhat * gamma[c] + beta[c]);
      const double xhat_off = rstd * off + std::fabs(xhat) * (2 * rstd_off + 4 * u);
      f.y_tolerance.push_back(std::fabs(gamma[c]) * xhat_off + 2 * u * (std::fabs(f.y.back()) + std::fabs(beta[c])));
    }
  }
  return f;
}

struct LayerNormBackward {
  std::vector<double> x, gamma, beta;
  std::vector<double> x_tolerance, gamma_tolerance, beta_tolerance;
};

// mean and rstd as they were saved.
inline LayerNormBackward layer_norm_backward(const std::vector<double>& x, const std::vector<double>& gamma,
                                             const std::vector<double>& mean, const std::vector<double>& rstd,
                                             const std::vector<double>& grad_y, const LayerNormCase& s) {
  LayerNormBackward b;
  b.gamma.assign(s.cols, 0), b.beta.assign(s.cols, 0);
  b.gamma_tolerance.assign(s.cols, 0), b.beta_tolerance.assign(s.cols, 0);
  const double column_roundings = layer_norm_roundings(4 * 128);  // a slab's rows one after the other
  for (int64_t r = 0; r < s.rows; ++r) {
    double sum = 0, projection = 0, sum_size = 0, projection_size = 0;
    for (int64_t c = 0; c < s.cols; ++c) {
      const double xhat = (x[r * s.cols + c] - mean[r]) * rstd[r], g = grad_y[r * s.cols + c];
      sum += g * gamma[c], sum_size += std::fabs(g * gamma[c]);
      projection += g * gamma[c] * xhat, projection_size += std::fabs(g * gamma[c] * xhat);
      b.gamma[c] += g * xhat, b.gamma_tolerance[c] += column_roundings * std::fabs(g * xhat);
      b.beta[c] += g, b.beta_tolerance[c] += column_roundings * std::fabs(g);
    }
    for (int64_t c = 0; c < s.cols; ++c) {
      const double xhat = (x[r * s.cols + c] - mean[r]) * rstd[r], g = grad_y[r * s.cols + c] * gamma[c];
      b.x.push_back(rstd[r] * (g - (sum + xhat * projection) / s.cols));
      const double size = std::fabs(g) + (sum_size + std::fabs(xhat) * projection_size) / s.cols;
      b.x_tolerance.push_back(layer_norm_roundings(s.cols) * rstd[r] * size);
    }
  }
  return b;
}

// Compulsory traffic and arithmetic. Forward reads x and writes y; backward reads x and grad_y, and writes grad_x.
inline double layer_norm_forward_bytes(int64_t rows, int64_t cols) { return 4.0 * (2 * rows * cols + 2 * rows); }
inline double layer_norm_forward_flop(int64_t rows, int64_t cols) { return 7.0 * rows * cols; }
inline double layer_norm_backward_bytes(int64_t rows, int64_t cols) { return 4.0 * (3 * rows * cols + 2 * rows); }
inline double layer_norm_backward_flop(int64_t rows, int64_t cols) { return 14.0 * rows * cols; }

}  // namespace assay::kernels::ref
