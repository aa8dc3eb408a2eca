// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "kernels/matmul/gemm_cublas_finish.h"

namespace assay::kernels {
namespace {

// Comparisons, so that a NaN stays one.
float activate(float x, GemmActivation activation) {
  switch (activation) {
    case GemmActivation::kNone:
      break;
    case GemmActivation::kRelu:
      return x < 0 ? 0.0f : x;
    case GemmActivation::kRelu6:
      return x < 0 ? 0.0f : x > 6 ? 6.0f : x;
    case GemmActivation::kGelu:
      return 0.5f * x * (1 + std::erf(x * 0.70710678f));
  }
  return x;
}

}  // namespace

void gemm_finish_cpu(const GemmFinishArgs& args) {
  const GemmEpilogue& e = args.epilogue;
  for (int64_t row = 0; row < args.batch * args.m; ++row) {
    const int64_t matrix = row / args.m, row_of_matrix = row % args.m;
    float* c = args.c + matrix * args.stride_c + row_of_matrix * args.ldc;
    const float* residual = e.residual;
    if (residual != nullptr) residual += matrix * e.stride_residual + row_of_matrix * e.ld_residual;
    for (int64_t column = 0; column < args.n; ++column) {
      float x = e.beta == 0 ? 0 : e.beta * c[column];
      if (e.bias != nullptr) x += e.bias[column];
      if (residual != nullptr) x += residual[column];
      c[column] = activate(x, e.activation);
    }
  }
}

}  // namespace assay::kernels
