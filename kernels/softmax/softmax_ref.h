// SPDX-License-Identifier: Apache-2.0
// The equations of softmax.h in double, bounds of float32's errors, and the cases of the tests.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace assay::kernels::ref {

struct SoftmaxCase {
  int64_t rows, cols;
};

// Columns around the vector widths and a warp's packs, and past the widest row of a warp.
inline const std::vector<SoftmaxCase> kSoftmaxCases = {{0, 5},   {1, 1},    {3, 2},    {7, 5},    {8, 7},    {9, 8},
                                                       {3, 15},  {5, 16},   {4, 17},   {3, 31},   {3, 32},   {3, 33},
                                                       {2, 63},  {2, 65},   {3, 127},  {3, 128},  {2, 132},  {40, 9},
                                                       {5, 789}, {2, 2047}, {2, 2048}, {2, 2049}, {2, 2052}, {1, 5000}};

struct Softmax {
  std::vector<double> value, tolerance;
};

// An exponential is within 4 units in the last place; its argument is off by a rounding of the difference. Sums have at
// least four partial sums; online sums are scaled again at each of a lane's maxima.
inline Softmax softmax_forward(const std::vector<double>& x, const SoftmaxCase& s) {
  Softmax result;
  for (int64_t r = 0; r < s.rows; ++r) {
    const double* row = x.data() + r * s.cols;
    const double maximum = *std::max_element(row, row + s.cols);
    double sum = 0, worst = 0;
    for (int64_t c = 0; c < s.cols; ++c) {
      sum += std::exp(row[c] - maximum);
      worst += std::exp(row[c] - maximum) * (maximum - row[c]);
    }
    for (int64_t c = 0; c < s.cols; ++c) {
      const double y = std::exp(row[c] - maximum) / sum;
      result.value.push_back(y);
      const double roundings = 16 + s.cols / 4.0 + (maximum - row[c]) + worst / sum;
      result.tolerance.push_back(y * roundings * 0x1p-24 + 1e-38);  // what falls below float32's normal range is lost
    }
  }
  return result;
}

inline Softmax softmax_backward(const std::vector<double>& y, const std::vector<double>& grad_y, const SoftmaxCase& s) {
  Softmax result;
  for (int64_t r = 0; r < s.rows; ++r) {
    double sum = 0, size = 0;
    for (int64_t i = r * s.cols; i < (r + 1) * s.cols; ++i)
      sum += y[i] * grad_y[i], size += std::fabs(y[i] * grad_y[i]);
    for (int64_t i = r * s.cols; i < (r + 1) * s.cols; ++i) {
      result.value.push_back(y[i] * (grad_y[i] - sum));
      result.tolerance.push_back(y[i] * 0x1p-24 * (3 * std::fabs(grad_y[i]) + (s.cols / 4.0 + 10) * size) + 1e-38);
    }
  }
  return result;
}

inline double softmax_forward_bytes(int64_t rows, int64_t cols) { return 8.0 * rows * cols; }
inline double softmax_forward_flop(int64_t rows, int64_t cols) { return 20.0 * rows * cols; }
inline double softmax_backward_bytes(int64_t rows, int64_t cols) { return 12.0 * rows * cols; }
inline double softmax_backward_flop(int64_t rows, int64_t cols) { return 4.0 * rows * cols; }

}  // namespace assay::kernels::ref
