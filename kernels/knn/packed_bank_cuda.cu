// SPDX-License-Identifier: Apache-2.0
// Packs one panel a block: a transposition of 32 rows through shared memory, 32 features at a time, so that both sides
// move whole cache lines. Half norms are summed in double, d ascending, as on the CPU: the same bits.
#include <cuda_runtime.h>

#include "kernels/base/cuda_check.h"
#include "kernels/knn/packed_bank.h"

namespace assay::kernels {

// ---- Kernels

constexpr int kPackWarps = 8;  // each moves four lines of a 32 x 32 tile
constexpr int kPackWidth = 32;

// Budget: 40 registers, 4224 bytes shared.
__global__ void __launch_bounds__(kPackWarps* kPackWidth) pack_bank_block_per_panel(PackBankArgs a) {
  __shared__ float tile[kPanelRows][kPackWidth + 1];  // padded: read along rows and along columns
  const int lane = threadIdx.x, warp = threadIdx.y;
  const int64_t first_row = int64_t{blockIdx.x} * kPanelRows;
  float* panel = a.panels + int64_t{blockIdx.x} * (a.dim + 1) * kPanelRows;
  double squared_norm = 0;  // of row `lane`, in the first warp
  for (int64_t d0 = 0; d0 < a.dim; d0 += kPackWidth) {
    for (int r = warp; r < kPanelRows; r += kPackWarps) {
      const bool inside = first_row + r < a.num_rows && d0 + lane < a.dim;
      tile[r][lane] = inside ? a.rows[(first_row + r) * a.dim + d0 + lane] : 0.0f;
    }
    __syncthreads();
    for (int d = warp; d < kPackWidth && d0 + d < a.dim; d += kPackWarps) {
      panel[(1 + d0 + d) * kPanelRows + lane] = tile[lane][d];
    }
    if (warp == 0) {
      for (int d = 0; d < kPackWidth; ++d) {
        const double x = tile[lane][d];
        squared_norm = fma(x, x, squared_norm);  // exact products: the same as a product and a sum
      }
    }
    __syncthreads();
  }
  if (warp == 0) {
    panel[lane] = first_row + lane < a.num_rows ? static_cast<float>(-0.5 * squared_norm) : -INFINITY;
  }
}

// ---- Launcher

void pack_bank_cuda(const PackBankArgs& args, void* cuda_stream) {
  if (args.num_rows == 0) return;
  const dim3 block(kPackWidth, kPackWarps);
  const dim3 grid = cuda_grid("pack_bank", (args.num_rows + kPanelRows - 1) / kPanelRows);
  pack_bank_block_per_panel<<<grid, block, 0, static_cast<cudaStream_t>(cuda_stream)>>>(args);
  ASSAY_CUDA_CHECK_LAUNCH("pack_bank", grid, block);
}

}  // namespace assay::kernels
