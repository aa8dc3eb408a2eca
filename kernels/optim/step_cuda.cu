// SPDX-License-Identifier: Apache-2.0
// Optimiser steps on CUDA: one launch over all parameters, a block per chunk of the table, so that hundreds of small
// tensors cost no more launches than one. Bound by memory: StableAdamW reads five arrays and writes four, then reads
// three and writes one. Sums of squares: a double per chunk, in fixed trees; a block adds up its tensor's (144 for the
// largest matrix of a ViT-B) rather than waiting for a launch that would.
#include <cuda_runtime.h>

#include "kernels/base/block_reduce.cuh"
#include "kernels/base/cuda_check.h"
#include "kernels/optim/step.h"
#include "kernels/optim/step_factors.h"

namespace assay::kernels {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarpLanes;

// ---- Device helpers

struct ChunkView {
  OptimTensor tensor;
  int64_t first, end;
};

__device__ inline ChunkView chunk_of(const ParameterList& list, int64_t chunk) {
  const OptimChunk c = list.chunks[chunk];
  const OptimTensor& tensor = list.tensors[c.tensor];
  return {tensor, c.first, min(c.first + kOptimChunk, tensor.count)};
}

__device__ inline float scale_of(const float* grad_scale) { return grad_scale == nullptr ? 1.0f : *grad_scale; }

// Moves the moments at i; returns sqrt(v / c2) + eps.
__device__ inline float move_moments(const AdamFactors& f, const OptimTensor& t, int64_t i, float grad, float* m) {
  *m = f.beta1 * t.moment1[i] + f.rest1 * grad;
  t.moment1[i] = *m;
  float v = f.beta2 * t.moment2[i] + f.rest2 * (grad * grad);
  t.moment2[i] = v;
  if (f.amsgrad) {
    const float most = t.most_moment2[i];
    v = most > v ? most : v;  // NaN in v stays
    t.most_moment2[i] = v;
  }
  return sqrtf(v) * f.root + f.eps;
}

// ---- Kernels

// Budget: 48 registers, 0 bytes shared.
__global__ void __launch_bounds__(kThreads) sgd_step_block_per_chunk(SgdArgs a) {
  const ChunkView chunk = chunk_of(a.parameters, blockIdx.x);
  const float grad_scale = scale_of(a.grad_scale), decay = static_cast<float>(a.weight_decay);
  const float rate = static_cast<float>(a.learning_rate), momentum = static_cast<float>(a.momentum);
  for (int64_t i = chunk.first + threadIdx.x; i < chunk.end; i += kThreads) {
    const float value = chunk.tensor.value[i];
    float move = chunk.tensor.grad[i] * grad_scale + decay * value;
    if (chunk.tensor.moment1 != nullptr) {
      move = momentum * chunk.tensor.moment1[i] + move;
      chunk.tensor.moment1[i] = move;
    }
    chunk.tensor.value[i] = value - rate * move;
  }
}

// Budget: 48 registers, 0 bytes shared.
__global__ void __launch_bounds__(kThreads)
    adam_step_block_per_chunk(ParameterList parameters, const float* scale, AdamFactors f) {
  const ChunkView chunk = chunk_of(parameters, blockIdx.x);
  const float grad_scale = scale_of(scale);
  for (int64_t i = chunk.first + threadIdx.x; i < chunk.end; i += kThreads) {
    const float value = chunk.tensor.value[i];
    float m;
    const float denominator =
        move_moments(f, chunk.tensor, i, chunk.tensor.grad[i] * grad_scale + f.coupled * value, &m);
    chunk.tensor.value[i] = f.keep * value - f.rate * (m / denominator);
  }
}

// Moves the moments; sums u^2 of the chunk.
// Budget: 48 registers, 64 bytes shared.
__global__ void __launch_bounds__(kThreads)
    stable_adamw_moments_block_per_chunk(ParameterList parameters, const float* scale, AdamFactors f, double* squares) {
  __shared__ double scratch[kWarps];
  const ChunkView chunk = chunk_of(parameters, blockIdx.x);
  const float grad_scale = scale_of(scale);
  double sum = 0;
  for (int64_t i = chunk.first + threadIdx.x; i < chunk.end; i += kThreads) {
    const float grad = chunk.tensor.grad[i] * grad_scale;
    float m;
    const float update = grad / move_moments(f, chunk.tensor, i, grad, &m);
    sum += static_cast<double>(update) * update;
  }
  sum = block_sum<kThreads>(sum, scratch);
  if (threadIdx.x == 0) squares[blockIdx.x] = sum;
}

// Budget: 48 registers, 64 bytes shared.
__global__ void __launch_bounds__(kThreads)
    stable_adamw_values_block_per_chunk(ParameterList parameters, AdamFactors f, const double* squares, double clip) {
  __shared__ double scratch[kWarps];
  const ChunkView chunk = chunk_of(parameters, blockIdx.x);
  double sum = 0;
  for (int64_t c = threadIdx.x; c < chunk.tensor.num_chunks; c += kThreads)
    sum += squares[chunk.tensor.first_chunk + c];
  sum = block_sum<kThreads>(sum, scratch);
  const double excess = sqrt(sum / static_cast<double>(chunk.tensor.count)) / clip;
  const float rate = static_cast<float>(f.rate / (excess <= 1 ? 1 : excess));  // NaN stays
  const float* v = f.amsgrad ? chunk.tensor.most_moment2 : chunk.tensor.moment2;
  for (int64_t i = chunk.first + threadIdx.x; i < chunk.end; i += kThreads) {
    const float denominator = sqrtf(v[i]) * f.root + f.eps;
    chunk.tensor.value[i] = f.keep * chunk.tensor.value[i] - rate * (chunk.tensor.moment1[i] / denominator);
  }
}

// Budget: 40 registers, 64 bytes shared.
__global__ void __launch_bounds__(kThreads) gradient_norm_block_per_chunk(GradientNormArgs a) {
  __shared__ double scratch[kWarps];
  const ChunkView chunk = chunk_of(a.parameters, blockIdx.x);
  double sum = 0;
  for (int64_t i = chunk.first + threadIdx.x; i < chunk.end; i += kThreads) {
    sum += static_cast<double>(chunk.tensor.grad[i]) * chunk.tensor.grad[i];
  }
  sum = block_sum<kThreads>(sum, scratch);
  if (threadIdx.x == 0) a.workspace[blockIdx.x] = sum;
}

// Budget: 40 registers, 64 bytes shared.
__global__ void __launch_bounds__(kThreads) gradient_norm_one_block_over_chunks(GradientNormArgs a) {
  __shared__ double scratch[kWarps];
  double sum = 0;
  for (int64_t c = threadIdx.x; c < a.parameters.num_chunks; c += kThreads) sum += a.workspace[c];
  sum = block_sum<kThreads>(sum, scratch);
  if (threadIdx.x != 0) return;
  const double norm = sqrt(sum), scale = a.most / (norm + 1e-6);
  *a.norm = static_cast<float>(norm);
  *a.scale = scale >= 1 ? 1.0f : static_cast<float>(scale);
}

// ---- Launchers

void sgd_step_cuda(const SgdArgs& a, void* cuda_stream) {
  if (a.parameters.num_chunks == 0) return;
  const dim3 grid = cuda_grid("sgd_step", a.parameters.num_chunks);
  sgd_step_block_per_chunk<<<grid, kThreads, 0, static_cast<cudaStream_t>(cuda_stream)>>>(a);
  ASSAY_CUDA_CHECK_LAUNCH("sgd_step", grid, kThreads);
}

void adam_step_cuda(const AdamArgs& a, void* cuda_stream) {
  if (a.parameters.num_chunks == 0) return;
  const dim3 grid = cuda_grid("adam_step", a.parameters.num_chunks);
  adam_step_block_per_chunk<<<grid, kThreads, 0, static_cast<cudaStream_t>(cuda_stream)>>>(a.parameters, a.grad_scale,
                                                                                           adam_factors(a));
  ASSAY_CUDA_CHECK_LAUNCH("adam_step", grid, kThreads);
}

void stable_adamw_step_cuda(const StableAdamWArgs& a, void* cuda_stream) {
  if (a.parameters.num_chunks == 0) return;
  const auto stream = static_cast<cudaStream_t>(cuda_stream);
  const dim3 grid = cuda_grid("stable_adamw_step", a.parameters.num_chunks);
  const AdamFactors f = adam_factors(a);
  stable_adamw_moments_block_per_chunk<<<grid, kThreads, 0, stream>>>(a.parameters, a.grad_scale, f, a.workspace);
  ASSAY_CUDA_CHECK_LAUNCH("stable_adamw_step", grid, kThreads);
  stable_adamw_values_block_per_chunk<<<grid, kThreads, 0, stream>>>(a.parameters, f, a.workspace, a.clip);
  ASSAY_CUDA_CHECK_LAUNCH("stable_adamw_step", grid, kThreads);
}

void gradient_norm_cuda(const GradientNormArgs& a, void* cuda_stream) {
  const auto stream = static_cast<cudaStream_t>(cuda_stream);
  if (a.parameters.num_chunks > 0) {
    const dim3 grid = cuda_grid("gradient_norm", a.parameters.num_chunks);
    gradient_norm_block_per_chunk<<<grid, kThreads, 0, stream>>>(a);
    ASSAY_CUDA_CHECK_LAUNCH("gradient_norm", grid, kThreads);
  }
  gradient_norm_one_block_over_chunks<<<1, kThreads, 0, stream>>>(a);
  ASSAY_CUDA_CHECK_LAUNCH("gradient_norm", 1, kThreads);
}

}  // namespace assay::kernels
