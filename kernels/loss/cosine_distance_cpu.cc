// SPDX-License-Identifier: Apache-2.0
// Pieces of rows in parallel, on vectors; short rows several at a time, so that a task is some 8192 elements either
// way.
#include <algorithm>

#include "kernels/base/parallel.h"
#include "kernels/base/simd.h"
#include "kernels/loss/cosine_distance.h"
#include "kernels/loss/cosine_row.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/loss/cosine_distance_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After highway.h: compiled again for each target.
#include "kernels/base/simd_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::kernels {
namespace HWY_NAMESPACE {

CosineSums cosine_sums(const float* a, const float* b, int64_t count) {
  constexpr int64_t kRun = 1024;  // elements summed in float32; they are read again from the first-level cache
  CosineSums sums = {0, 0, 0};
  for (int64_t from = 0; from < count; from += kRun) {
    const int64_t n = std::min(kRun, count - from);
    const float *x = a + from, *y = b + from;
    const auto dot = [n](const float* p, const float* q) {
      return sum_of(n, [=](auto d, int64_t i) { return hn::Mul(hn::LoadU(d, p + i), hn::LoadU(d, q + i)); });
    };
    sums.product += dot(x, y), sums.square_a += dot(x, x), sums.square_b += dot(y, y);
  }
  return sums;
}

// grad = own * x + other * y.
void cosine_grad(const float* x, const float* y, int64_t count, float own, float other, bool accumulate, float* grad) {
  for_lanes(count, [&](auto d, int64_t i) {
    const auto along = hn::Mul(hn::LoadU(d, x + i), hn::Set(d, own));
    store_grad(d, accumulate, hn::MulAdd(hn::LoadU(d, y + i), hn::Set(d, other), along), grad + i);
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace assay::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::kernels {

HWY_EXPORT(cosine_sums);
HWY_EXPORT(cosine_grad);

// body(row, piece, first column, columns) for each piece of each row, in parallel.
template <class Body>
static void for_each_cosine_piece(int64_t rows, int64_t cols, const Body& body) {
  const int64_t pieces = cosine_pieces(cols);
  parallel_for(rows * pieces, std::max<int64_t>(kCosinePiece / cols, 1), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i % pieces * kCosinePiece;
      body(i / pieces, i % pieces, first, std::min(kCosinePiece, cols - first));
    }
  });
}

void cosine_distance_forward_cpu(const CosineDistanceForwardArgs& args) {
  const int64_t pieces = cosine_pieces(args.cols);
  for_each_cosine_piece(args.rows, args.cols, [&](int64_t row, int64_t piece, int64_t first, int64_t count) {
    const int64_t at = row * args.cols + first;
    const CosineSums sums = HWY_DYNAMIC_DISPATCH(cosine_sums)(args.a + at, args.b + at, count);
    if (pieces == 1) {
      finish_cosine_row(args, row, sums);
    } else {
      double* saved = args.workspace + (row * pieces + piece) * 3;
      saved[0] = sums.product, saved[1] = sums.square_a, saved[2] = sums.square_b;
    }
  });
  if (pieces == 1) return;
  for (int64_t row = 0; row < args.rows; ++row) {
    CosineSums sums = {0, 0, 0};
    for (int64_t piece = 0; piece < pieces; ++piece) {
      const double* saved = args.workspace + (row * pieces + piece) * 3;
      sums.product += saved[0], sums.square_a += saved[1], sums.square_b += saved[2];
    }
    finish_cosine_row(args, row, sums);
  }
}

void cosine_distance_backward_cpu(const CosineDistanceBackwardArgs& args) {
  for_each_cosine_piece(args.rows, args.cols, [&](int64_t row, int64_t, int64_t first, int64_t count) {
    const CosineSlopes slopes = cosine_slopes(args, row);
    const int64_t at = row * args.cols + first;
    if (args.grad_a != nullptr) {
      HWY_DYNAMIC_DISPATCH(cosine_grad)
      (args.a + at, args.b + at, count, slopes.own_a, slopes.other, args.grad_a_mode == GradMode::kAccumulate,
       args.grad_a + at);
    }
    if (args.grad_b != nullptr) {
      HWY_DYNAMIC_DISPATCH(cosine_grad)
      (args.b + at, args.a + at, count, slopes.own_b, slopes.other, args.grad_b_mode == GradMode::kAccumulate,
       args.grad_b + at);
    }
  });
}

}  // namespace assay::kernels
#endif
