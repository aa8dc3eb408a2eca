// SPDX-License-Identifier: Apache-2.0
// Softmax on CUDA. Rows of up to kWarpRowCols elements get a warp each, longer ones a block. One pass finds maximum and
// sum together: whenever a larger maximum appears, the sum so far is scaled down. The second pass reads the row from
// the first-level cache.
#include <cuda_runtime.h>

#include <cfloat>

#include "kernels/base/block_reduce.cuh"
#include "kernels/base/cuda_check.h"
#include "kernels/base/pack.cuh"
#include "kernels/softmax/softmax.h"

namespace assay::kernels {

constexpr int kThreads = 256;  // 8 warps: eight rows, or one long row
constexpr int kRowsPerBlock = kThreads / kWarpLanes;
constexpr int64_t kWarpRowCols = 2048;  // beyond that the passes of one warp take too long

// ---- Device helpers

// Maximum and sum of e^(x - maximum) of some elements. The least maximum is finite, so that a difference from -Inf is
// -Inf and not NaN.
struct Online {
  float maximum = -FLT_MAX;
  float sum = 0;
};

__device__ inline void add(Online& o, float x) {
  if (x > o.maximum) {
    o.sum = o.sum * expf(o.maximum - x) + 1;
    o.maximum = x;
  } else {
    o.sum += expf(x - o.maximum);
  }
}

// +Inf in either makes the sum NaN, as Inf - Inf does in the plain formula.
__device__ inline Online merged(Online a, Online b) {
  const float maximum = fmaxf(a.maximum, b.maximum);
  return {maximum, a.sum * expf(a.maximum - maximum) + b.sum * expf(b.maximum - maximum)};
}

__device__ inline Online warp_merged(Online o) {
#pragma unroll
  for (int lanes = kWarpLanes / 2; lanes > 0; lanes /= 2) {
    const Online other = {__shfl_xor_sync(kFullMask, o.maximum, lanes), __shfl_xor_sync(kFullMask, o.sum, lanes)};
    // Both lanes of a pair merge in the same order, so that all end with the same bits.
    o = threadIdx.x & lanes ? merged(other, o) : merged(o, other);
  }
  return o;
}

// Threads that share a row: a warp (kGroup 32) or a block.
template <int kGroup>
__device__ inline Online row_merged(Online o, Online* scratch) {
  o = warp_merged(o);
  if constexpr (kGroup == kWarpLanes) {
    return o;
  } else {
    return block_combine<kGroup>(o, scratch, merged);
  }
}

template <int kGroup>
__device__ inline float row_sum(float value, float* scratch) {
  if constexpr (kGroup == kWarpLanes) {
    return warp_sum(value);
  } else {
    return block_sum<kGroup>(value, scratch);
  }
}

template <int kGroup, int kWidth>
__device__ inline void softmax_row(const SoftmaxForwardArgs& a, int64_t row, int thread, Online* scratch) {
  const float* x = a.x + row * a.cols;
  constexpr int64_t kStep = kGroup * kWidth;
  Online own;
  for (int64_t c = thread * kWidth; c < a.cols; c += kStep) {
    const Pack<kWidth> p = load_pack<kWidth>(x + c);
#pragma unroll
    for (int i = 0; i < kWidth; ++i) add(own, p.v[i]);
  }
  const Online all = row_merged<kGroup>(own, scratch);
  const float scale = 1 / all.sum;
  for (int64_t c = thread * kWidth; c < a.cols; c += kStep) {
    Pack<kWidth> p = load_pack<kWidth>(x + c);
#pragma unroll
    for (int i = 0; i < kWidth; ++i) p.v[i] = expf(p.v[i] - all.maximum) * scale;
    store_pack<kWidth>(a.y + row * a.cols + c, p);
  }
}

template <int kGroup, int kWidth>
__device__ inline void softmax_grad_row(const SoftmaxBackwardArgs& a, int64_t row, int thread, float* scratch) {
  const int64_t first = row * a.cols;
  constexpr int64_t kStep = kGroup * kWidth;
  float sum = 0;
  for (int64_t c = thread * kWidth; c < a.cols; c += kStep) {
    const Pack<kWidth> y = load_pack<kWidth>(a.y + first + c), grad_y = load_pack<kWidth>(a.grad_y + first + c);
#pragma unroll
    for (int i = 0; i < kWidth; ++i) sum += y.v[i] * grad_y.v[i];
  }
  const float mean = row_sum<kGroup>(sum, scratch);
  for (int64_t c = thread * kWidth; c < a.cols; c += kStep) {
    const Pack<kWidth> y = load_pack<kWidth>(a.y + first + c), grad_y = load_pack<kWidth>(a.grad_y + first + c);
    Pack<kWidth> grad;
    if (a.grad_x_mode == GradMode::kAccumulate) grad = load_pack<kWidth>(a.grad_x + first + c);
#pragma unroll
    for (int i = 0; i < kWidth; ++i) {
      grad.v[i] = merged_grad(a.grad_x_mode, &grad.v[i], y.v[i] * (grad_y.v[i] - mean));
    }
    store_pack<kWidth>(a.grad_x + first + c, grad);
  }
}

// ---- Kernels

// Budget: 48 registers, 0 bytes shared.
template <int kWidth>
__global__ void __launch_bounds__(kThreads) softmax_forward_warp_per_row(SoftmaxForwardArgs a) {
  const int64_t row = int64_t{blockIdx.x} * kRowsPerBlock + threadIdx.x / kWarpLanes;
  if (row >= a.rows) return;  // the same for all lanes of a warp, so the shuffles stay legal
  softmax_row<kWarpLanes, kWidth>(a, row, threadIdx.x % kWarpLanes, nullptr);
}

// Budget: 48 registers, 64 bytes shared.
template <int kWidth>
__global__ void __launch_bounds__(kThreads) softmax_forward_block_per_row(SoftmaxForwardArgs a) {
  __shared__ Online scratch[kRowsPerBlock];
  softmax_row<kThreads, kWidth>(a, blockIdx.x, threadIdx.x, scratch);
}

// Budget: 48 registers, 0 bytes shared.
template <int kWidth>
__global__ void __launch_bounds__(kThreads) softmax_backward_warp_per_row(SoftmaxBackwardArgs a) {
  const int64_t row = int64_t{blockIdx.x} * kRowsPerBlock + threadIdx.x / kWarpLanes;
  if (row >= a.rows) return;  // the same for all lanes of a warp, so the shuffles stay legal
  softmax_grad_row<kWarpLanes, kWidth>(a, row, threadIdx.x % kWarpLanes, nullptr);
}

// Budget: 48 registers, 32 bytes shared.
template <int kWidth>
__global__ void __launch_bounds__(kThreads) softmax_backward_block_per_row(SoftmaxBackwardArgs a) {
  __shared__ float scratch[kRowsPerBlock];
  softmax_grad_row<kThreads, kWidth>(a, blockIdx.x, threadIdx.x, scratch);
}

// ---- Launchers

template <int kWidth>
void launch_forward(const SoftmaxForwardArgs& a, cudaStream_t stream) {
  const bool warps = a.cols <= kWarpRowCols;
  const dim3 grid = cuda_grid("softmax_forward", warps ? (a.rows + kRowsPerBlock - 1) / kRowsPerBlock : a.rows);
  if (warps) {
    softmax_forward_warp_per_row<kWidth><<<grid, kThreads, 0, stream>>>(a);
  } else {
    softmax_forward_block_per_row<kWidth><<<grid, kThreads, 0, stream>>>(a);
  }
  ASSAY_CUDA_CHECK_LAUNCH("softmax_forward", grid, kThreads);
}

template <int kWidth>
void launch_backward(const SoftmaxBackwardArgs& a, cudaStream_t stream) {
  const bool warps = a.cols <= kWarpRowCols;
  const dim3 grid = cuda_grid("softmax_backward", warps ? (a.rows + kRowsPerBlock - 1) / kRowsPerBlock : a.rows);
  if (warps) {
    softmax_backward_warp_per_row<kWidth><<<grid, kThreads, 0, stream>>>(a);
  } else {
    softmax_backward_block_per_row<kWidth><<<grid, kThreads, 0, stream>>>(a);
  }
  ASSAY_CUDA_CHECK_LAUNCH("softmax_backward", grid, kThreads);
}

void softmax_forward_cuda(const SoftmaxForwardArgs& a, void* cuda_stream) {
  if (a.rows == 0) return;
  const auto stream = static_cast<cudaStream_t>(cuda_stream);
  a.cols % 4 == 0 && aligned_for_packs(a.x, a.y) ? launch_forward<4>(a, stream) : launch_forward<1>(a, stream);
}

void softmax_backward_cuda(const SoftmaxBackwardArgs& a, void* cuda_stream) {
  if (a.rows == 0 || a.grad_x == nullptr) return;
  const auto stream = static_cast<cudaStream_t>(cuda_stream);
  const bool packs = a.cols % 4 == 0 && aligned_for_packs(a.y, a.grad_y, a.grad_x);
  packs ? launch_backward<4>(a, stream) : launch_backward<1>(a, stream);
}

}  // namespace assay::kernels
