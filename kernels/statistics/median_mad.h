// SPDX-License-Identifier: Apache-2.0
// Median of each row, and the median absolute deviation from it: location and scale that a minority of outliers cannot
// move. Source: Hampel 1974. The deviation is not scaled: times 1.4826 it estimates a normal distribution's sigma.
//
//   median(r) = middle value, or for even n the mean of the two middle values (in double, rounded to float32)
//   mad(r)    = median over i of |x(r, i) - median(r)|, each deviation rounded to float32
//
// A NaN counts as above +infinity: half a row of NaN makes both NaN, fewer only shift the ranks of the others. Two
// middle values -infinity and +infinity have mean NaN. A median that is infinite or NaN makes the deviations of that
// row infinite or NaN.
// Row-major, contiguous. The same bits on every backend, for any number of threads.
// The op layer has checked shapes; kernels do not check again.
#pragma once

#include <cstdint>

#include "kernels/base/kernel_table.h"

namespace assay::kernels {

struct MedianMadArgs {
  const float* x;   // (R, n)
  float* median;    // (R)
  float* mad;       // (R), or null where it is not wanted
  int64_t rows;     // R >= 0
  int64_t cols;     // n >= 1
  void* workspace;  // median_mad_workspace_bytes(...), aligned to 8 bytes
};
extern const KernelTable<MedianMadArgs> median_mad;

int64_t median_mad_workspace_bytes(Backend backend, int64_t rows);

// The mean of the two middle values; of one, itself.
inline int64_t num_middle_values(int64_t cols) { return cols % 2 == 0 ? 2 : 1; }
inline int64_t first_middle_rank(int64_t cols) { return (cols - 1) / 2; }

}  // namespace assay::kernels
