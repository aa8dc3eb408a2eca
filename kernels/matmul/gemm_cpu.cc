// SPDX-License-Identifier: Apache-2.0
// Gemm on the CPU: pieces of rows in parallel, each by oneDNN's sgemm in one thread, then the epilogue while the piece
// is in the cache.
#include <algorithm>
#include <cmath>
#include <oneapi/dnnl/dnnl.hpp>

#include "kernels/base/check.h"
#include "kernels/base/one_thread.h"
#include "kernels/base/parallel.h"
#include "kernels/elementwise/add_row.h"
#include "kernels/matmul/gemm.h"

namespace assay::kernels {
namespace {

float activate(float x, GemmActivation activation) {
  switch (activation) {
    case GemmActivation::kNone:
      return x;
    case GemmActivation::kRelu:
      return x < 0 ? 0.0f : x;
    case GemmActivation::kRelu6:
      return x < 0 ? 0.0f : x > 6 ? 6.0f : x;
    case GemmActivation::kGelu:
      return 0.5f * x * (1 + std::erf(x * 0.70710678f));
  }
  return x;
}

// What sgemm leaves to be done: alpha and beta it has seen to.
void finish_row(const GemmEpilogue& e, const float* residual, int64_t n, float* c) {
  for (int64_t i = 0; i < n; ++i) {
    float x = c[i];
    if (e.bias != nullptr) x += e.bias[i];
    if (residual != nullptr) x += residual[i];
    c[i] = activate(x, e.activation);
  }
}

// beta c, where there is no product to add.
void scale_row(float beta, int64_t n, float* c) {
  if (beta == 0) {
    std::fill(c, c + n, 0.0f);
    return;
  }
  for (int64_t i = 0; i < n; ++i) c[i] *= beta;
}

void multiply_piece(const GemmArgs& args, int64_t matrix, int64_t begin, int64_t end) {
  const GemmEpilogue& e = args.epilogue;
  float* c = args.c + matrix * args.stride_c + begin * args.ldc;
  if (args.k == 0) {
    for (int64_t row = begin; row < end; ++row) scale_row(e.beta, args.n, c + (row - begin) * args.ldc);
  } else {
    const float* a = args.a + matrix * args.stride_a + begin * (args.transpose_a ? 1 : args.lda);
    const float* b = args.b + matrix * args.stride_b;
    const OneThread one_thread;
    const dnnl::status status = dnnl::sgemm(args.transpose_a ? 'T' : 'N', args.transpose_b ? 'T' : 'N', end - begin,
                                            args.n, args.k, e.alpha, a, args.lda, b, args.ldb, e.beta, c, args.ldc);
    ASSAY_CHECK(status == dnnl::status::success, "gemm: oneDNN refuses ", end - begin, " x ", args.n, " x ", args.k);
  }
  if (e.bias == nullptr && e.residual == nullptr && e.activation == GemmActivation::kNone) return;
  const bool is_bias_alone = e.residual == nullptr && e.activation == GemmActivation::kNone;
  if (is_bias_alone && args.ldc == args.n) {
    add_row.cpu({e.bias, c, end - begin, args.n});  // on vectors, the same bits
    return;
  }
  const float* residual = e.residual;
  if (residual != nullptr) residual += matrix * e.stride_residual + begin * e.ld_residual;
  for (int64_t row = begin; row < end; ++row, c += args.ldc) {
    finish_row(e, residual, args.n, c);
    if (residual != nullptr) residual += e.ld_residual;
  }
}

}  // namespace

void gemm_cpu(const GemmArgs& args) {
  if (args.n == 0) return;
  const int64_t pieces = (args.m + kGemmRowsPerPiece - 1) / kGemmRowsPerPiece;
  parallel_for(args.batch * pieces, 1, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      const int64_t begin = i % pieces * kGemmRowsPerPiece;
      multiply_piece(args, i / pieces, begin, std::min(begin + kGemmRowsPerPiece, args.m));
    }
  });
}

}  // namespace assay::kernels
