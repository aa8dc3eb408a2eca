// SPDX-License-Identifier: Apache-2.0
// What a row's three sums and gradients come to, the same on both backends.
#pragma once

#include "kernels/loss/cosine_distance.h"

#if defined(__CUDACC__)
#define ASSAY_COSINE_HOST_DEVICE __host__ __device__
#else
#include <cmath>
#define ASSAY_COSINE_HOST_DEVICE
#endif

namespace assay::kernels {

struct CosineSums {
  double product, square_a, square_b;  // a . b, |a|^2, |b|^2
};

ASSAY_COSINE_HOST_DEVICE inline double cut_off(double norm) { return norm <= kCosineEps ? kCosineEps : norm; }

ASSAY_COSINE_HOST_DEVICE inline void finish_cosine_row(const CosineDistanceForwardArgs& args, int64_t row,
                                                       const CosineSums& sums) {
  const double norm_a = sqrt(sums.square_a), norm_b = sqrt(sums.square_b);
  args.distance[row] = static_cast<float>(1 - sums.product / (cut_off(norm_a) * cut_off(norm_b)));
  if (args.norms == nullptr) return;
  args.norms[2 * row] = static_cast<float>(norm_a);
  args.norms[2 * row + 1] = static_cast<float>(norm_b);
}

// grad_a = own_a * a + other * b, grad_b = own_b * b + other * a.
struct CosineSlopes {
  float own_a, own_b, other;
};

ASSAY_COSINE_HOST_DEVICE inline CosineSlopes cosine_slopes(const CosineDistanceBackwardArgs& args, int64_t row) {
  const double norm_a = args.norms[2 * row], norm_b = args.norms[2 * row + 1], grad = args.grad_distance[row];
  const double along = grad * (1.0 - args.distance[row]);
  return {norm_a <= kCosineEps ? 0.0f : static_cast<float>(along / (norm_a * norm_a)),
          norm_b <= kCosineEps ? 0.0f : static_cast<float>(along / (norm_b * norm_b)),
          static_cast<float>(-grad / (cut_off(norm_a) * cut_off(norm_b)))};
}

}  // namespace assay::kernels

#undef ASSAY_COSINE_HOST_DEVICE
