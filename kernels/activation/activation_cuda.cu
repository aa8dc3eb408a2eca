// SPDX-License-Identifier: Apache-2.0
// Activations on CUDA: bound by memory, so each thread moves packs of four floats where all pointers allow it. A grid
// of bounded size strides over the elements.
#include <cuda_runtime.h>

#include <algorithm>

#include "kernels/activation/activation.h"
#include "kernels/base/cuda_check.h"
#include "kernels/base/pack.cuh"

namespace assay::kernels {

constexpr int kThreads = 256;
constexpr int64_t kMostBlocks = 132 * 8 * 4;  // four waves of full occupancy on an H100; beyond that threads loop

// ---- Device helpers

__device__ inline float normal_distribution(float x) { return 0.5f * erfcf(x * -0.70710678f); }

// Comparisons are false for NaN, which thus falls through to x, or to NaN as derivative.
template <Activation kActivation>
__device__ inline float value_at(float x) {
  if constexpr (kActivation == Activation::kGelu) return x * normal_distribution(x);
  if constexpr (kActivation == Activation::kRelu) return x <= 0 ? 0 : x;
  if constexpr (kActivation == Activation::kRelu6) return x <= 0 ? 0 : x >= 6 ? 6 : x;
  if constexpr (kActivation == Activation::kEluPlusOne) return x > 0 ? x + 1 : expf(x);
}

template <Activation kActivation>
__device__ inline float derivative_at(float x) {
  if constexpr (kActivation == Activation::kGelu) {
    return fmaf(x * expf(-0.5f * x * x), 0.39894228f, normal_distribution(x));  // 1 / sqrt(2 pi)
  }
  if constexpr (kActivation == Activation::kRelu) return x <= 0 ? 0 : x > 0 ? 1 : x;
  if constexpr (kActivation == Activation::kRelu6) return x <= 0 || x >= 6 ? 0 : x > 0 ? 1 : x;
  if constexpr (kActivation == Activation::kEluPlusOne) return x > 0 ? 1 : expf(x);
}

// ---- Kernels

// Budget: 40 registers, 0 bytes shared.
template <Activation kActivation, int kWidth>
__global__ void __launch_bounds__(kThreads) activation_forward_elementwise(ActivationForwardArgs a) {
  const int64_t step = int64_t{gridDim.x} * kThreads * kWidth;
  for (int64_t i = (int64_t{blockIdx.x} * kThreads + threadIdx.x) * kWidth; i < a.count; i += step) {
    Pack<kWidth> x = load_pack<kWidth>(a.x + i);
#pragma unroll
    for (int j = 0; j < kWidth; ++j) x.v[j] = value_at<kActivation>(x.v[j]);
    store_pack<kWidth>(a.y + i, x);
  }
}

// Budget: 40 registers, 0 bytes shared.
template <Activation kActivation, int kWidth>
__global__ void __launch_bounds__(kThreads) activation_backward_elementwise(ActivationBackwardArgs a) {
  const int64_t step = int64_t{gridDim.x} * kThreads * kWidth;
  for (int64_t i = (int64_t{blockIdx.x} * kThreads + threadIdx.x) * kWidth; i < a.count; i += step) {
    const Pack<kWidth> x = load_pack<kWidth>(a.x + i), grad_y = load_pack<kWidth>(a.grad_y + i);
    Pack<kWidth> grad;
    if (a.grad_x_mode == GradMode::kAccumulate) grad = load_pack<kWidth>(a.grad_x + i);
#pragma unroll
    for (int j = 0; j < kWidth; ++j) {
      grad.v[j] = merged_grad(a.grad_x_mode, &grad.v[j], grad_y.v[j] * derivative_at<kActivation>(x.v[j]));
    }
    store_pack<kWidth>(a.grad_x + i, grad);
  }
}

// ---- Launchers

template <int kWidth>
dim3 activation_grid(const char* kernel, int64_t count) {
  const int64_t blocks = (count + kThreads * kWidth - 1) / (kThreads * kWidth);
  return cuda_grid(kernel, std::min(blocks, kMostBlocks));
}

template <Activation kActivation, int kWidth>
void launch_forward(const ActivationForwardArgs& a, cudaStream_t stream) {
  const dim3 grid = activation_grid<kWidth>("activation_forward", a.count);
  activation_forward_elementwise<kActivation, kWidth><<<grid, kThreads, 0, stream>>>(a);
  ASSAY_CUDA_CHECK_LAUNCH("activation_forward", grid, kThreads);
}

template <Activation kActivation, int kWidth>
void launch_backward(const ActivationBackwardArgs& a, cudaStream_t stream) {
  const dim3 grid = activation_grid<kWidth>("activation_backward", a.count);
  activation_backward_elementwise<kActivation, kWidth><<<grid, kThreads, 0, stream>>>(a);
  ASSAY_CUDA_CHECK_LAUNCH("activation_backward", grid, kThreads);
}

// Packs where count and pointers allow them.
template <Activation kActivation>
void forward_of(const ActivationForwardArgs& a, cudaStream_t stream) {
  a.count % 4 == 0 && aligned_for_packs(a.x, a.y) ? launch_forward<kActivation, 4>(a, stream)
                                                  : launch_forward<kActivation, 1>(a, stream);
}

template <Activation kActivation>
void backward_of(const ActivationBackwardArgs& a, cudaStream_t stream) {
  a.count % 4 == 0 && aligned_for_packs(a.x, a.grad_y, a.grad_x) ? launch_backward<kActivation, 4>(a, stream)
                                                                 : launch_backward<kActivation, 1>(a, stream);
}

void activation_forward_cuda(const ActivationForwardArgs& a, void* cuda_stream) {
  if (a.count == 0) return;
  const auto stream = static_cast<cudaStream_t>(cuda_stream);
  switch (a.activation) {
    case Activation::kGelu:
      return forward_of<Activation::kGelu>(a, stream);
    case Activation::kRelu:
      return forward_of<Activation::kRelu>(a, stream);
    case Activation::kRelu6:
      return forward_of<Activation::kRelu6>(a, stream);
    case Activation::kEluPlusOne:
      return forward_of<Activation::kEluPlusOne>(a, stream);
  }
}

void activation_backward_cuda(const ActivationBackwardArgs& a, void* cuda_stream) {
  if (a.count == 0 || a.grad_x == nullptr) return;
  const auto stream = static_cast<cudaStream_t>(cuda_stream);
  switch (a.activation) {
    case Activation::kGelu:
      return backward_of<Activation::kGelu>(a, stream);
    case Activation::kRelu:
      return backward_of<Activation::kRelu>(a, stream);
    case Activation::kRelu6:
      return backward_of<Activation::kRelu6>(a, stream);
    case Activation::kEluPlusOne:
      return backward_of<Activation::kEluPlusOne>(a, stream);
  }
}

}  // namespace assay::kernels
