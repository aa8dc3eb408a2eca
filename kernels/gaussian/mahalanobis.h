// SPDX-License-Identifier: Apache-2.0
// Mahalanobis distance of one sample at each of P positions from that position's Gaussian:
//   distance = sqrt((x - mean)^T S^-1 (x - mean)) = |y| with L y = x - mean,   S = L L^T (kernels/gaussian/cholesky.h).
// Source: Defard et al. 2021, eq. 2; y by forward substitution.
// Row-major, contiguous; triangles as in packed_triangle.h, T = D (D + 1) / 2. Computed in double, since reading L once
// takes longer than the arithmetic. Bits do not depend on the number of threads.
// NaN in a position's x gives NaN at that position alone.
// The op layer has checked shapes; kernels do not check again.
#pragma once

#include <cstdint>

#include "kernels/base/kernel_table.h"

namespace assay::kernels {

struct MahalanobisArgs {
  const float* x;       // (P, D)
  const float* mean;    // (P, D)
  const float* factor;  // (P, T)  L, positive diagonal
  double* workspace;    // (P, D)  scratch; holds y afterwards
  float* distance;      // (P)     must not overlap the inputs
  int64_t positions;    // P >= 0
  int64_t channels;     // D >= 1
};
extern const KernelTable<MahalanobisArgs> mahalanobis;

}  // namespace assay::kernels
