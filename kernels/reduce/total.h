// SPDX-License-Identifier: Apache-2.0
// One number from all elements: their sum, mean or maximum. Sum and mean are accumulated in double (on the CPU over
// float32 sums of 1024 elements, on CUDA throughout), so that a loss does not depend on how many pixels it averages.
// float32, contiguous. Deterministic: bits depend on the backend and its instruction set, not on threads.
// NaN anywhere gives NaN. Of no elements the sum is 0, the mean NaN, the maximum -Inf.
// The op layer has checked shapes; kernels do not check again.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/base/kernel_table.h"

namespace assay::kernels {

enum class Total { kSum, kMean, kMaximum };

struct TotalArgs {
  const float* x;     // (count)
  float* y;           // (1)  must not overlap x
  double* workspace;  // total_workspace_bytes
  int64_t count;      // >= 0
  Total total;
};
extern const KernelTable<TotalArgs> total;

constexpr int64_t kTotalPiece = 16384;  // elements whose total one thread (CPU) or block (CUDA) takes
inline int64_t total_pieces(int64_t count) { return (count + kTotalPiece - 1) / kTotalPiece; }
inline size_t total_workspace_bytes(int64_t count) { return static_cast<size_t>(total_pieces(count)) * sizeof(double); }

}  // namespace assay::kernels
