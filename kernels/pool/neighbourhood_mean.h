// SPDX-License-Identifier: Apache-2.0
// Mean of each cell's window in each grid of a batch: y(h, w, c) = mean of x over the cells of the window x window
// square around (h, w) that lie inside the grid. At the border fewer cells are averaged; nothing is padded, since zeros
// would pull the features of border patches towards the origin and make borders look alike. Source: Roth et al. 2022,
// section 3.1 (PatchCore's locally aware patch features, window 3), which leaves the border open. Row-major,
// contiguous, float32. On the CPU one thread. Bits depend on the backend and its instruction set only. NaN and Inf
// spread to the cells whose window holds them. The op layer has checked shapes; kernels do not check again.
#pragma once

#include <cstdint>

#include "kernels/base/kernel_table.h"

namespace assay::kernels {

struct NeighbourhoodMeanArgs {
  const float* x;     // (B, H, W, C)
  float* y;           // (B, H, W, C)  must not overlap x
  int64_t height;     // H >= 0
  int64_t width;      // W >= 0
  int64_t channels;   // C >= 0
  int64_t window;     // odd, >= 1; may exceed the grid
  int64_t batch = 1;  // B >= 0
};
extern const KernelTable<NeighbourhoodMeanArgs> neighbourhood_mean;

}  // namespace assay::kernels
