// SPDX-License-Identifier: Apache-2.0
// The intrinsics of cuda_fp16.h and cuda_bf16.h, which are inline PTX.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "tests/cuda_sim/idioms/idioms.h"

namespace assay::cuda_sim::idioms {

__device__ __half2 pack(float a, float b, __half2*) { return __floats2half2_rn(a, b); }
__device__ __nv_bfloat162 pack(float a, float b, __nv_bfloat162*) { return __floats2bfloat162_rn(a, b); }
__device__ float2 unpack(__half2 x) { return __half22float2(x); }
__device__ float2 unpack(__nv_bfloat162 x) { return __bfloat1622float2(x); }
__device__ float through_int(__half x) { return __half2float(__int2half_rn(__half2int_rz(x))); }
__device__ float through_int(__nv_bfloat16 x) { return __bfloat162float(__int2bfloat16_rn(__bfloat162int_rz(x))); }

// The low half computes with (a, b), the high half with (b, a); the low results are written, the high ones for min,
// max and fma, so that both halves count.
template <class Pair>
__global__ void half_operations(const float* a, const float* b, float* result, int n) {
  const int i = threadIdx.x;
  if (i >= n) return;
  const Pair x = pack(a[i], b[i], static_cast<Pair*>(nullptr));
  const Pair y = pack(b[i], a[i], static_cast<Pair*>(nullptr));
  float* out = result + i * kHalfResults;
  out[0] = unpack(__hadd2(x, y)).x;
  out[1] = unpack(__hsub2(x, y)).x;
  out[2] = unpack(__hmul2(x, y)).x;
  out[3] = unpack(__hfma2(x, y, x)).y;
  out[4] = unpack(__hmin2(x, y)).y;
  out[5] = unpack(__hmax2(x, y)).y;
  out[6] = unpack(__hneg2(x)).x;
  out[7] = through_int(x.x);
}

void half_arithmetic(const float* a, const float* b, float* result, int n) {
  half_operations<__half2><<<1, kBlock>>>(a, b, result, n);
}
void bfloat16_arithmetic(const float* a, const float* b, float* result, int n) {
  half_operations<__nv_bfloat162><<<1, kBlock>>>(a, b, result, n);
}

}  // namespace assay::cuda_sim::idioms
