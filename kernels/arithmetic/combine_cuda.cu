// SPDX-License-Identifier: Apache-2.0
// Combinations of two arrays on CUDA: bound by memory, so each thread moves packs of four floats where columns and
// pointers allow it. A grid of bounded size strides over the packs; row and column of a thread's pack follow by
// addition, so that it divides twice and not at every step.
#include <cuda_runtime.h>

#include <algorithm>

#include "kernels/arithmetic/combine.h"
#include "kernels/base/cuda_check.h"
#include "kernels/base/pack.cuh"

namespace assay::kernels {

constexpr int kThreads = 256;
constexpr int64_t kMostBlocks = 132 * 8 * 4;  // four waves of full occupancy on an H100; beyond that threads loop

// ---- Device helpers

template <Broadcast kBroadcast, int kWidth>
__device__ inline Pack<kWidth> load_b(const CombineArgs& a, int64_t element, int64_t row, int64_t col) {
  if constexpr (kBroadcast == Broadcast::kNone) return load_pack<kWidth>(a.b + element);
  if constexpr (kBroadcast == Broadcast::kRow) return load_pack<kWidth>(a.b + col);
  const float number = kBroadcast == Broadcast::kColumn ? a.b[row] : *a.b;
  Pack<kWidth> all;
#pragma unroll
  for (int i = 0; i < kWidth; ++i) all.v[i] = number;
  return all;
}

template <Combination kCombination>
__device__ inline float result(float a, float scaled_b) {
  if constexpr (kCombination == Combination::kAdd) return a + scaled_b;
  if constexpr (kCombination == Combination::kMultiply) return a * scaled_b;
  return scaled_b;
}

// ---- Kernels

// Budget: 48 registers, 0 bytes shared.
template <Combination kCombination, Broadcast kBroadcast, int kWidth>
__global__ void __launch_bounds__(kThreads) combine_elementwise(CombineArgs a) {
  const int64_t count = a.rows * a.cols, step = int64_t{gridDim.x} * kThreads * kWidth;
  const int64_t first = (int64_t{blockIdx.x} * kThreads + threadIdx.x) * kWidth;
  constexpr bool kNeedsPlace = kBroadcast == Broadcast::kRow || kBroadcast == Broadcast::kColumn;
  int64_t row = 0, col = 0, row_step = 0, col_step = 0;
  if constexpr (kNeedsPlace) {
    row = first / a.cols, col = first % a.cols, row_step = step / a.cols, col_step = step % a.cols;
  }
  for (int64_t i = first; i < count; i += step) {
    const Pack<kWidth> b = load_b<kBroadcast, kWidth>(a, i, row, col);
    Pack<kWidth> x, y;
    if constexpr (kCombination != Combination::kTake) x = load_pack<kWidth>(a.a + i);
    if (a.mode == GradMode::kAccumulate) y = load_pack<kWidth>(a.y + i);
#pragma unroll
    for (int j = 0; j < kWidth; ++j) {
      const float value =
          kCombination == Combination::kTake ? a.alpha * b.v[j] : result<kCombination>(x.v[j], a.alpha * b.v[j]);
      y.v[j] = merged_grad(a.mode, &y.v[j], value);
    }
    store_pack<kWidth>(a.y + i, y);
    if constexpr (kNeedsPlace) {
      row += row_step, col += col_step;
      if (col >= a.cols) ++row, col -= a.cols;
    }
  }
}

// ---- Launchers

template <Combination kCombination, Broadcast kBroadcast, int kWidth>
void launch_width(const CombineArgs& a, cudaStream_t stream) {
  const int64_t blocks = (a.rows * a.cols + kThreads * kWidth - 1) / (kThreads * kWidth);
  const dim3 grid = cuda_grid("combine", std::min(blocks, kMostBlocks));
  combine_elementwise<kCombination, kBroadcast, kWidth><<<grid, kThreads, 0, stream>>>(a);
  ASSAY_CUDA_CHECK_LAUNCH("combine", grid, kThreads);
}

// Packs may not cross rows where b is a row or a column.
template <Combination kCombination, Broadcast kBroadcast>
void launch_shape(const CombineArgs& a, cudaStream_t stream) {
  constexpr bool kByRows = kBroadcast == Broadcast::kRow || kBroadcast == Broadcast::kColumn;
  constexpr bool kPacksOfB = kBroadcast == Broadcast::kNone || kBroadcast == Broadcast::kRow;
  const bool packs = (kByRows ? a.cols : a.rows * a.cols) % 4 == 0 && aligned_for_packs(a.a, a.y) &&
                     (!kPacksOfB || aligned_for_packs(a.b));
  packs ? launch_width<kCombination, kBroadcast, 4>(a, stream) : launch_width<kCombination, kBroadcast, 1>(a, stream);
}

template <Combination kCombination>
void launch(const CombineArgs& a, cudaStream_t stream) {
  switch (a.broadcast) {
    case Broadcast::kNone:
      return launch_shape<kCombination, Broadcast::kNone>(a, stream);
    case Broadcast::kRow:
      return launch_shape<kCombination, Broadcast::kRow>(a, stream);
    case Broadcast::kColumn:
      return launch_shape<kCombination, Broadcast::kColumn>(a, stream);
    case Broadcast::kNumber:
      return launch_shape<kCombination, Broadcast::kNumber>(a, stream);
  }
}

void combine_cuda(const CombineArgs& a, void* cuda_stream) {
  if (a.rows * a.cols == 0) return;
  const auto stream = static_cast<cudaStream_t>(cuda_stream);
  switch (a.combination) {
    case Combination::kAdd:
      return launch<Combination::kAdd>(a, stream);
    case Combination::kMultiply:
      return launch<Combination::kMultiply>(a, stream);
    case Combination::kTake:
      return launch<Combination::kTake>(a, stream);
  }
}

}  // namespace assay::kernels
