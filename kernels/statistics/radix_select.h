// SPDX-License-Identifier: Apache-2.0
// Values of given ranks of each row, exactly, without sorting or changing the rows:
//
//   value(r, i) = the (first_rank + i)-th smallest of row r, counted from 0
//
// Four passes over the bytes of the float's ordered bits, highest first: count the values whose higher bytes are those
// found so far, and descend to the byte within which the rank falls. With a center, |x - center| (float32) is ranked in
// place of x, for deviations that need not be stored.
//
// -0 counts as below +0. A NaN counts as above +infinity, and all NaN as equal; a rank that falls on one gives NaN.
// Row-major, contiguous. The same bits on every backend, for any number of threads.
// The op layer has checked shapes and ranks; kernels do not check again.
#pragma once

#include <cstdint>

#include "kernels/base/kernel_table.h"

namespace assay::kernels {

struct RadixSelectArgs {
  const float* x;       // (R, n)
  const float* center;  // (R), or null
  float* value;         // (R, num_ranks); must not overlap the inputs
  int64_t rows;         // R >= 0
  int64_t cols;         // n >= 1
  int64_t first_rank;   // >= 0
  int64_t num_ranks;    // >= 1; first_rank + num_ranks <= n. Each costs a selection of its own
  void* workspace;      // radix_select_workspace_bytes(...), aligned to 8 bytes
};
extern const KernelTable<RadixSelectArgs> radix_select;

int64_t radix_select_workspace_bytes(Backend backend, int64_t rows, int64_t num_ranks);

}  // namespace assay::kernels
