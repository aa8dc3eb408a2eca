// SPDX-License-Identifier: Apache-2.0
// Radix select on CUDA. Each of the four passes is two kernels, since blocks share a row: blocks count their chunk of a
// row in shared memory and add to the row's 256 counters; then a block a value scans the counters, takes the byte that
// holds the rank, and clears them. Integer atomics alone, so the order does not matter.
#include <cuda_runtime.h>

#include "kernels/base/cuda_check.h"
#include "kernels/statistics/ordered_key.h"
#include "kernels/statistics/radix_select.h"
#include "kernels/statistics/warp_count.cuh"

namespace assay::kernels {

using Counter = unsigned long long;

constexpr int kBytes = 256;             // values of a byte, and threads of a block
constexpr int64_t kSelectChunk = 8192;  // 32 values a thread; a map of 256 x 256 pixels keeps 8 blocks busy
constexpr unsigned kSelectLanes = 0xffffffffu;

// How far the search for one value has come. 16 bytes.
struct Selection {
  int64_t rank;     // among the values whose higher bytes are those of prefix
  uint32_t prefix;  // zeros below the bytes found
};
static_assert(sizeof(Selection) == 16);

// ---- Kernels

// Budget: 24 registers, 0 bytes shared.
__global__ void __launch_bounds__(kBytes)
    radix_select_start_block_per_value(RadixSelectArgs a, Counter* counters, Selection* selections) {
  counters[int64_t{blockIdx.x} * kBytes + threadIdx.x] = 0;
  if (threadIdx.x == 0) selections[blockIdx.x] = {a.first_rank + int64_t{blockIdx.x} % a.num_ranks, 0};
}

// Budget: 40 registers, 1024 bytes shared.
__global__ void __launch_bounds__(kBytes)
    radix_select_count_block_per_chunk(RadixSelectArgs a, int64_t chunks, int shift, Counter* counters,
                                       const Selection* selections) {
  __shared__ unsigned counts[kBytes];
  const int64_t value = blockIdx.x / chunks, row = value / a.num_ranks, first = blockIdx.x % chunks * kSelectChunk;
  const uint32_t prefix = selections[value].prefix;
  const float* x = a.x + row * a.cols;
  const float* center = a.center == nullptr ? nullptr : a.center + row;
  counts[threadIdx.x] = 0;
  __syncthreads();
  const int64_t last = min(first + kSelectChunk, a.cols);
  for (int64_t base = first; base < last; base += kBytes) {
    const int64_t i = base + threadIdx.x;
    const uint32_t key = i < last ? ordered_key(ranked_value(x[i], center)) : 0;
    // Two shifts, because the first pass has no higher bytes and a shift by 32 is undefined.
    warp_count(counts, i < last && ((key ^ prefix) >> shift) >> 8 == 0, key >> shift & 255u);
  }
  __syncthreads();
  const unsigned count = counts[threadIdx.x];
  if (count > 0) atomicAdd(&counters[value * kBytes + threadIdx.x], static_cast<Counter>(count));
}

// Budget: 32 registers, 64 bytes shared.
__global__ void __launch_bounds__(kBytes)
    radix_select_descend_block_per_value(RadixSelectArgs a, int shift, Counter* counters, Selection* selections) {
  __shared__ Counter warp_sums[kBytes / 32];
  const int64_t value = blockIdx.x;
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const Selection selection = selections[value];
  const Counter count = counters[value * kBytes + threadIdx.x];
  Counter up_to = count;  // of this byte and all below
#pragma unroll
  for (int step = 1; step < 32; step *= 2) {
    const Counter below = __shfl_up_sync(kSelectLanes, up_to, step);
    if (lane >= step) up_to += below;
  }
  if (lane == 31) warp_sums[warp] = up_to;
  __syncthreads();
  for (int w = 0; w < warp; ++w) up_to += warp_sums[w];
  counters[value * kBytes + threadIdx.x] = 0;
  const Counter rank = static_cast<Counter>(selection.rank);
  if (up_to - count <= rank && rank < up_to) {  // one thread of the block
    const uint32_t prefix = selection.prefix | static_cast<uint32_t>(threadIdx.x) << shift;
    selections[value] = {static_cast<int64_t>(rank - (up_to - count)), prefix};
    if (shift == 0) a.value[value] = key_value(prefix);
  }
}

// ---- Launcher

void radix_select_cuda(const RadixSelectArgs& args, void* cuda_stream) {
  const int64_t values = args.rows * args.num_ranks;
  if (values == 0) return;
  const cudaStream_t stream = static_cast<cudaStream_t>(cuda_stream);
  Selection* selections = static_cast<Selection*>(args.workspace);
  Counter* counters = reinterpret_cast<Counter*>(selections + values);
  const int64_t chunks = (args.cols + kSelectChunk - 1) / kSelectChunk;
  const dim3 grid = cuda_grid("radix_select", values), count_grid = cuda_grid("radix_select", values * chunks);
  radix_select_start_block_per_value<<<grid, kBytes, 0, stream>>>(args, counters, selections);
  ASSAY_CUDA_CHECK_LAUNCH("radix_select", grid, kBytes);
  for (int shift = 24; shift >= 0; shift -= 8) {
    radix_select_count_block_per_chunk<<<count_grid, kBytes, 0, stream>>>(args, chunks, shift, counters, selections);
    ASSAY_CUDA_CHECK_LAUNCH("radix_select", count_grid, kBytes);
    radix_select_descend_block_per_value<<<grid, kBytes, 0, stream>>>(args, shift, counters, selections);
    ASSAY_CUDA_CHECK_LAUNCH("radix_select", grid, kBytes);
  }
}

}  // namespace assay::kernels
