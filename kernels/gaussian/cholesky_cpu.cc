// SPDX-License-Identifier: Apache-2.0
// Parallel over matrices. Within one, the outer-product form: each finished column is subtracted from all columns to
// its right, vectors running down them. One fused multiply-add an element, so lanes do not change the bits.
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/base/parallel.h"
#include "kernels/base/simd.h"
#include "kernels/gaussian/cholesky.h"
#include "kernels/gaussian/packed_triangle.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/gaussian/cholesky_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace assay::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// y[i] -= scale * x[i] for i in [0, count).
HWY_INLINE void subtract_scaled(const double* x, double scale, int64_t count, double* y) {
  const hn::ScalableTag<double> d;
  const hn::CappedTag<double, 1> one;
  const int64_t lanes = hn::Lanes(d);
  const auto scales = hn::Set(d, scale);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(hn::NegMulAdd(scales, hn::LoadU(d, x + i), hn::LoadU(d, y + i)), d, y + i);
  }
  for (; i < count; ++i) {
    hn::StoreU(hn::NegMulAdd(hn::Set(one, scale), hn::LoadU(one, x + i), hn::LoadU(one, y + i)), one, y + i);
  }
}

// The factor of one matrix in its place; -1, or the column of the pivot that stopped it.
int64_t factorise(double* matrix, int64_t order) {
  for (int64_t k = 0; k < order; ++k) {
    double* column = matrix + packed_column(order, k);
    const double root = std::sqrt(column[0]);
    // Written so that NaN fails, and judged as the float32 it will be stored as.
    if (!(root >= std::numeric_limits<float>::min() && root <= std::numeric_limits<float>::max())) return k;
    column[0] = root;
    for (int64_t i = 1; i < order - k; ++i) column[i] /= root;
    for (int64_t j = k + 1; j < order; ++j) {
      subtract_scaled(column + j - k, column[j - k], order - j, matrix + packed_column(order, j));
    }
  }
  return -1;
}

void factorise_positions(const CholeskyArgs& a, int64_t begin, int64_t end) {
  const int64_t size = packed_size(a.order);
  for (int64_t p = begin; p < end; ++p) {
    a.bad_pivot[p] = factorise(a.matrix + p * size, a.order);
    std::copy_n(a.matrix + p * size, size, a.factor + p * size);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace assay::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::kernels {

HWY_EXPORT(factorise_positions);

constexpr int64_t kMatricesPerPiece = 4;  // some 100 microseconds of work at order 100

void cholesky_cpu(const CholeskyArgs& a) {
  parallel_for(a.positions, kMatricesPerPiece, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(factorise_positions)(a, begin, end);
  });
}

}  // namespace assay::kernels
#endif
