// SPDX-License-Identifier: Apache-2.0
// The epilogue of a matrix product on CUDA: gemm_epilogue.h element by element, and the order of output tiles.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/matmul/gemm_epilogue.h"

namespace assay::kernels {

// Comparisons, not fmaxf, so that a NaN stays one.
__device__ __forceinline__ float activate(float x, GemmActivation activation) {
  switch (activation) {
    case GemmActivation::kNone:
      break;
    case GemmActivation::kRelu:
      return x < 0 ? 0.0f : x;
    case GemmActivation::kRelu6:
      return x < 0 ? 0.0f : x > 6 ? 6.0f : x;
    case GemmActivation::kGelu:
      return 0.5f * x * (1 + erff(x * 0.70710678f));
  }
  return x;
}

// Stores a product into row `row` and column `column` of `c`, a matrix of a batch, whose residual `residual` is.
__device__ __forceinline__ void store_product(const GemmEpilogue& e, const float* residual, float product, int64_t row,
                                              int64_t column, float* c) {
  float x = product;
  if (e.alpha != 1) x *= e.alpha;
  if (e.beta != 0) x = fmaf(e.beta, *c, x);
  if (e.bias != nullptr) x += e.bias[column];
  if (residual != nullptr) x += residual[row * e.ld_residual + column];
  *c = activate(x, e.activation);
}

// Which tile of which matrix a block computes. Tiles come in bands of kBandRows rows of tiles, column by column within
// a band, so that blocks that run at the same time share rows of A and columns of B in the second-level cache.
struct TilePlace {
  int64_t matrix, row, column;  // row and column in tiles
};

__device__ __forceinline__ TilePlace tile_place(int64_t block, int64_t tile_rows, int64_t tile_columns) {
  constexpr int64_t kBandRows = 8;
  const int64_t per_matrix = tile_rows * tile_columns;
  const int64_t matrix = block / per_matrix, i = block - matrix * per_matrix;
  const int64_t band = i / (kBandRows * tile_columns), first = band * kBandRows;
  const int64_t height = min(kBandRows, tile_rows - first);
  const int64_t within = i - first * tile_columns;
  return {matrix, first + within % height, within / height};
}

// The number of blocks from which large tiles keep every multiprocessor busy: an H100 has 132.
constexpr int64_t kFillingBlocks = 132;

}  // namespace assay::kernels
