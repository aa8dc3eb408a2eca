// SPDX-License-Identifier: Apache-2.0
// Mean and covariance of N samples of D channels at each of P positions, in one pass over samples that come in any
// number of blocks. Welford's update, extended to pairs of channels: with n samples before x,
//   delta = x - mean,   comoment += n / (n + 1) * delta delta^T,   mean += delta / (n + 1).
// Source: Welford 1962; the unbiased covariance is comoment / (N - 1), as in PaDiM (Defard et al. 2021, eq. 1).
// Row-major, contiguous; triangles as in packed_triangle.h, T = D (D + 1) / 2. State in double: products of float32
// values are exact in it, and no accuracy is lost where |mean| >> std.
// Bits do not depend on the number of threads, nor on how samples are cut into blocks, but on the samples' order.
// NaN and Inf in a sample make every covariance of its channel NaN or Inf.
// The op layer has checked shapes; kernels do not check again.
#pragma once

#include <cstdint>

#include "kernels/base/kernel_table.h"

namespace assay::kernels {

struct CovarianceAccumulateArgs {
  const float* x;     // (N, P, D)
  double* mean;       // (P, D)  in and out; zero before the first sample
  double* comoment;   // (P, T)  in and out; zero before the first sample
  int64_t samples;    // N >= 0
  int64_t count;      // samples accumulated before these
  int64_t positions;  // P >= 0
  int64_t channels;   // D >= 1
};
extern const KernelTable<CovarianceAccumulateArgs> covariance_accumulate;

// Divides by count - 1 and adds `regularisation` to the diagonal, in place. A single sample has covariance zero.
struct CovarianceFinishArgs {
  double* comoment;       // (P, T)  becomes the regularised covariance
  int64_t count;          // samples accumulated, >= 1
  int64_t positions;      // P >= 0
  int64_t channels;       // D >= 1
  double regularisation;  // >= 0
};
extern const KernelTable<CovarianceFinishArgs> covariance_finish;

}  // namespace assay::kernels
