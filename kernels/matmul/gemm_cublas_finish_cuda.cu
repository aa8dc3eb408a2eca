// SPDX-License-Identifier: Apache-2.0
// gemm_finish on CUDA: a few threads to a row, side by side, four elements each where everything is aligned. Bound by
// memory: each element is read and written once.
#include <cuda_runtime.h>

#include "kernels/base/cuda_check.h"
#include "kernels/matmul/gemm_cublas_finish.h"
#include "kernels/matmul/gemm_epilogue.cuh"

namespace assay::kernels {

constexpr int kThreads = 256;
constexpr int kMaxThreadsPerRow = 64;  // of four elements: rows of the networks here have up to 1280

// ---- Device helpers

// With beta 0, `before` is 0.
__device__ __forceinline__ float finish(const GemmEpilogue& e, float before, float bias, float residual) {
  float x = e.beta * before;
  if (e.bias != nullptr) x += bias;
  if (e.residual != nullptr) x += residual;
  return activate(x, e.activation);
}

struct OneElement {
  using Vector = float;
  static constexpr int kLength = 1;
  static __device__ __forceinline__ Vector zero() { return 0; }
  static __device__ __forceinline__ Vector finished(const GemmEpilogue& e, Vector before, Vector bias,
                                                    Vector residual) {
    return finish(e, before, bias, residual);
  }
};

struct FourElements {
  using Vector = float4;
  static constexpr int kLength = 4;
  static __device__ __forceinline__ Vector zero() { return make_float4(0, 0, 0, 0); }
  static __device__ __forceinline__ Vector finished(const GemmEpilogue& e, Vector before, Vector bias,
                                                    Vector residual) {
    return make_float4(finish(e, before.x, bias.x, residual.x), finish(e, before.y, bias.y, residual.y),
                       finish(e, before.z, bias.z, residual.z), finish(e, before.w, bias.w, residual.w));
  }
};

// ---- Kernels

// Budget: 48 registers, 0 bytes shared.
template <class Elements>
__global__ void __launch_bounds__(kThreads) gemm_finish_threads_per_row(GemmFinishArgs a) {
  using Vector = typename Elements::Vector;
  const int64_t row = int64_t{blockIdx.x} * blockDim.y + threadIdx.y;
  if (row >= a.batch * a.m) return;
  const int64_t matrix = row / a.m, row_of_matrix = row - matrix * a.m;
  const GemmEpilogue& e = a.epilogue;
  const auto* bias = reinterpret_cast<const Vector*>(e.bias);
  const auto* residual =
      reinterpret_cast<const Vector*>(e.residual + matrix * e.stride_residual + row_of_matrix * e.ld_residual);
  auto* c = reinterpret_cast<Vector*>(a.c + matrix * a.stride_c + row_of_matrix * a.ldc);
  for (int64_t i = threadIdx.x; i < a.n / Elements::kLength; i += blockDim.x) {
    const Vector before = e.beta == 0 ? Elements::zero() : c[i];
    c[i] = Elements::finished(e, before, e.bias == nullptr ? Elements::zero() : bias[i],
                              e.residual == nullptr ? Elements::zero() : residual[i]);
  }
}

// ---- Launcher

bool takes_vectors(const float* x, int64_t ld, int64_t stride) {
  return reinterpret_cast<uintptr_t>(x) % sizeof(float4) == 0 && ld % 4 == 0 && stride % 4 == 0;
}

template <class Elements>
void launch_gemm_finish(const GemmFinishArgs& args, cudaStream_t stream) {
  const int64_t per_row = args.n / Elements::kLength;
  int threads_per_row = 1;
  while (threads_per_row < per_row && threads_per_row < kMaxThreadsPerRow) threads_per_row *= 2;
  const dim3 block(threads_per_row, kThreads / threads_per_row);
  const dim3 grid = cuda_grid("gemm_finish", (args.batch * args.m + block.y - 1) / block.y);
  gemm_finish_threads_per_row<Elements><<<grid, block, 0, stream>>>(args);
  ASSAY_CUDA_CHECK_LAUNCH("gemm_finish", grid, block);
}

void gemm_finish_cuda(const GemmFinishArgs& args, void* cuda_stream) {
  if (args.batch == 0 || args.m == 0 || args.n == 0) return;
  const GemmEpilogue& e = args.epilogue;
  const bool vectors = args.n % 4 == 0 && takes_vectors(args.c, args.ldc, args.stride_c) &&
                       takes_vectors(e.bias, 0, 0) && takes_vectors(e.residual, e.ld_residual, e.stride_residual);
  const auto stream = static_cast<cudaStream_t>(cuda_stream);
  vectors ? launch_gemm_finish<FourElements>(args, stream) : launch_gemm_finish<OneElement>(args, stream);
}

template __global__ void gemm_finish_threads_per_row<OneElement>(GemmFinishArgs);
template __global__ void gemm_finish_threads_per_row<FourElements>(GemmFinishArgs);

}  // namespace assay::kernels
