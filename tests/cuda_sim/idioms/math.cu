// SPDX-License-Identifier: Apache-2.0
// The device math library: nvcc inlines it, so all of it goes through the translator.
#include <cuda_runtime.h>

#include "tests/cuda_sim/idioms/idioms.h"

namespace assay::cuda_sim::idioms {

__device__ float apply(Math function, float x, float y) {
  switch (function) {
    case Math::kExp:
      return expf(x);
    case Math::kExp2:
      return exp2f(x);
    case Math::kExp10:
      return exp10f(x);
    case Math::kExpm1:
      return expm1f(x);
    case Math::kLog:
      return logf(x);
    case Math::kLog2:
      return log2f(x);
    case Math::kLog10:
      return log10f(x);
    case Math::kLog1p:
      return log1pf(x);
    case Math::kPow:
      return powf(x, y);
    case Math::kSqrt:
      return sqrtf(x);
    case Math::kRsqrt:
      return rsqrtf(x);
    case Math::kCbrt:
      return cbrtf(x);
    case Math::kSin:
      return sinf(x);
    case Math::kCos:
      return cosf(x);
    case Math::kTan:
      return tanf(x);
    case Math::kAsin:
      return asinf(x);
    case Math::kAcos:
      return acosf(x);
    case Math::kAtan:
      return atanf(x);
    case Math::kAtan2:
      return atan2f(x, y);
    case Math::kSinh:
      return sinhf(x);
    case Math::kCosh:
      return coshf(x);
    case Math::kTanh:
      return tanhf(x);
    case Math::kErf:
      return erff(x);
    case Math::kErfc:
      return erfcf(x);
    case Math::kTgamma:
      return tgammaf(x);
    case Math::kLgamma:
      return lgammaf(x);
    case Math::kFmod:
      return fmodf(x, y);
    case Math::kRemainder:
      return remainderf(x, y);
    case Math::kHypot:
      return hypotf(x, y);
    case Math::kDivide:
      return x / y;
    case Math::kReciprocal:
      return __frcp_rn(x);
    case Math::kNearbyint:
      return nearbyintf(x);
    case Math::kFloor:
      return floorf(x);
    case Math::kFastExp:
      return __expf(x);
    case Math::kFastLog:
      return __logf(x);
    case Math::kFastDivide:
      return __fdividef(x, y);
    case Math::kFastSin:
      return __sinf(x);
    default:
      return 0;
  }
}

__device__ double apply(Math function, double x, double y) {
  switch (function) {
    case Math::kExp:
      return exp(x);
    case Math::kExp2:
      return exp2(x);
    case Math::kExp10:
      return exp10(x);
    case Math::kExpm1:
      return expm1(x);
    case Math::kLog:
      return log(x);
    case Math::kLog2:
      return log2(x);
    case Math::kLog10:
      return log10(x);
    case Math::kLog1p:
      return log1p(x);
    case Math::kPow:
      return pow(x, y);
    case Math::kSqrt:
      return sqrt(x);
    case Math::kRsqrt:
      return rsqrt(x);
    case Math::kCbrt:
      return cbrt(x);
    case Math::kSin:
      return sin(x);
    case Math::kCos:
      return cos(x);
    case Math::kTan:
      return tan(x);
    case Math::kAsin:
      return asin(x);
    case Math::kAcos:
      return acos(x);
    case Math::kAtan:
      return atan(x);
    case Math::kAtan2:
      return atan2(x, y);
    case Math::kSinh:
      return sinh(x);
    case Math::kCosh:
      return cosh(x);
    case Math::kTanh:
      return tanh(x);
    case Math::kErf:
      return erf(x);
    case Math::kErfc:
      return erfc(x);
    case Math::kTgamma:
      return tgamma(x);
    case Math::kLgamma:
      return lgamma(x);
    case Math::kFmod:
      return fmod(x, y);
    case Math::kRemainder:
      return remainder(x, y);
    case Math::kHypot:
      return hypot(x, y);
    case Math::kDivide:
      return x / y;
    case Math::kReciprocal:
      return __drcp_rn(x);
    case Math::kNearbyint:
      return nearbyint(x);
    case Math::kFloor:
      return floor(x);
    default:
      return 0;
  }
}

template <class T>
__global__ void math_elementwise(Math function, const T* x, const T* y, T* result, int n) {
  const int i = threadIdx.x;
  if (i < n) result[i] = apply(function, x[i], y[i]);
}

void math_f32(Math function, const float* x, const float* y, float* result, int n) {
  math_elementwise<<<1, kBlock>>>(function, x, y, result, n);
}
void math_f64(Math function, const double* x, const double* y, double* result, int n) {
  math_elementwise<<<1, kBlock>>>(function, x, y, result, n);
}

}  // namespace assay::cuda_sim::idioms
