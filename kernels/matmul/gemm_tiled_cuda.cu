// SPDX-License-Identifier: Apache-2.0
// Gemm in float32 on CUDA without tensor cores: a block per tile of C, of 128 x 128 elements where these are enough to
// fill the device, else of 64 x 64 (simt_tile.cuh).
#include <cuda_runtime.h>

#include "kernels/base/cuda_check.h"
#include "kernels/matmul/gemm.h"
#include "kernels/matmul/gemm_epilogue.cuh"
#include "kernels/matmul/simt_tile.cuh"

namespace assay::kernels {

struct GemmTileAlignment {
  bool a, b;  // float4 loads of the operand are aligned
};

// ---- Kernels

template <int kTile, class CursorA, class CursorB>
__device__ __forceinline__ void gemm_tile(const GemmArgs& args, GemmTileAlignment aligned, float* shared) {
  constexpr int kSide = kTile / 16;
  const TilePlace place = tile_place(blockIdx.x, (args.m + kTile - 1) / kTile, (args.n + kTile - 1) / kTile);
  const int64_t first_row = place.row * kTile, first_column = place.column * kTile;
  SliceStage<kTile, CursorA> a(TileMatrix{args.a + place.matrix * args.stride_a, args.lda, args.m, args.k, aligned.a},
                               first_row);
  SliceStage<kTile, CursorB> b(TileMatrix{args.b + place.matrix * args.stride_b, args.ldb, args.n, args.k, aligned.b},
                               first_column);
  float sum[kSide][kSide] = {};
  multiply_tile<kTile>(a, b, args.k, shared, sum);

  float* c = args.c + place.matrix * args.stride_c;
  const float* residual = args.epilogue.residual;
  if (residual != nullptr) residual += place.matrix * args.epilogue.stride_residual;
  for_each_element<kTile>(sum, shared, [&](int tile_row, int tile_column, float value) {
    const int64_t row = first_row + tile_row, column = first_column + tile_column;
    if (row >= args.m || column >= args.n) return;
    store_product(args.epilogue, residual, value, row, column, c + row * args.ldc + column);
  });
}

// Budget: 128 registers, 16384 bytes shared.
template <class CursorA, class CursorB>
__global__ void __launch_bounds__(kTileThreads, 2) gemm_tiled_128(GemmArgs args, GemmTileAlignment aligned) {
  __shared__ __align__(16) float shared[kTileSharedFloats];
  gemm_tile<128, CursorA, CursorB>(args, aligned, shared);
}

// Budget: 96 registers, 16384 bytes shared.
template <class CursorA, class CursorB>
__global__ void __launch_bounds__(kTileThreads, 2) gemm_tiled_64(GemmArgs args, GemmTileAlignment aligned) {
  __shared__ __align__(16) float shared[kTileSharedFloats];
  gemm_tile<64, CursorA, CursorB>(args, aligned, shared);
}

// ---- Launcher

namespace {

bool float4_aligned(const float* x, int64_t ld, int64_t stride) {
  return reinterpret_cast<uintptr_t>(x) % 16 == 0 && ld % 4 == 0 && stride % 4 == 0;
}

template <class CursorA, class CursorB>
void launch_gemm_tiled(const GemmArgs& args, cudaStream_t stream) {
  const GemmTileAlignment aligned = {float4_aligned(args.a, args.lda, args.stride_a),
                                     float4_aligned(args.b, args.ldb, args.stride_b)};
  const auto blocks = [&](int64_t tile) {
    return args.batch * ((args.m + tile - 1) / tile) * ((args.n + tile - 1) / tile);
  };
  const dim3 block(kTileThreads);
  if (args.m > 64 && args.n > 64 && blocks(128) >= kFillingBlocks) {
    const dim3 grid = cuda_grid("gemm_tiled", blocks(128));
    gemm_tiled_128<CursorA, CursorB><<<grid, block, 0, stream>>>(args, aligned);
    ASSAY_CUDA_CHECK_LAUNCH("gemm_tiled", grid, block);
  } else {
    const dim3 grid = cuda_grid("gemm_tiled", blocks(64));
    gemm_tiled_64<CursorA, CursorB><<<grid, block, 0, stream>>>(args, aligned);
    ASSAY_CUDA_CHECK_LAUNCH("gemm_tiled", grid, block);
  }
}

}  // namespace

void gemm_tiled_cuda(const GemmArgs& args, void* cuda_stream) {
  if (args.m == 0 || args.n == 0 || args.batch == 0) return;
  const auto stream = static_cast<cudaStream_t>(cuda_stream);
  // A's rows and B's columns are the rows of a tile's slices: K runs along memory in a as it is and in b transposed.
  if (args.transpose_a) {
    args.transpose_b ? launch_gemm_tiled<CursorAlongRows, CursorAlongK>(args, stream)
                     : launch_gemm_tiled<CursorAlongRows, CursorAlongRows>(args, stream);
  } else {
    args.transpose_b ? launch_gemm_tiled<CursorAlongK, CursorAlongK>(args, stream)
                     : launch_gemm_tiled<CursorAlongK, CursorAlongRows>(args, stream);
  }
}

}  // namespace assay::kernels
