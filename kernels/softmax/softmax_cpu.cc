// SPDX-License-Identifier: Apache-2.0
// Rows in parallel, on vectors: maximum, exponentials and their sum, scaling. A row of a few thousand elements stays in
// the first-level cache between the passes.
#include <algorithm>

#include "kernels/base/parallel.h"
#include "kernels/base/simd.h"
#include "kernels/softmax/softmax.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/softmax/softmax_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After highway.h: compiled again for each target.
#include "kernels/base/simd_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::kernels {
namespace HWY_NAMESPACE {

void softmax_rows(const SoftmaxForwardArgs& a, int64_t begin, int64_t end) {
  for (int64_t r = begin; r < end; ++r) {
    const float* x = a.x + r * a.cols;
    float* y = a.y + r * a.cols;
    const float maximum = maximum_of(x, a.cols);
    const float sum = sum_of(a.cols, [&](auto d, int64_t c) {
      const auto power = exp_or_nan(d, hn::Sub(hn::LoadU(d, x + c), hn::Set(d, maximum)));
      hn::StoreU(power, d, y + c);
      return power;
    });
    const float scale = 1 / sum;
    for_lanes(a.cols,
              [&](auto d, int64_t c) { hn::StoreU(hn::Mul(hn::LoadU(d, y + c), hn::Set(d, scale)), d, y + c); });
  }
}

void softmax_grad_rows(const SoftmaxBackwardArgs& a, int64_t begin, int64_t end) {
  const bool accumulate = a.grad_x_mode == GradMode::kAccumulate;
  for (int64_t r = begin; r < end; ++r) {
    const float* y = a.y + r * a.cols;
    const float* grad_y = a.grad_y + r * a.cols;
    const float mean =
        sum_of(a.cols, [&](auto d, int64_t c) { return hn::Mul(hn::LoadU(d, y + c), hn::LoadU(d, grad_y + c)); });
    for_lanes(a.cols, [&](auto d, int64_t c) {
      const auto grad = hn::Mul(hn::LoadU(d, y + c), hn::Sub(hn::LoadU(d, grad_y + c), hn::Set(d, mean)));
      store_grad(d, accumulate, grad, a.grad_x + r * a.cols + c);
    });
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace assay::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::kernels {

HWY_EXPORT(softmax_rows);
HWY_EXPORT(softmax_grad_rows);

constexpr int64_t kElementsPerPiece = 1 << 15;  // some 20 microseconds of work

void softmax_forward_cpu(const SoftmaxForwardArgs& a) {
  parallel_for(a.rows, std::max<int64_t>(kElementsPerPiece / a.cols, 1), [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(softmax_rows)(a, begin, end);
  });
}

void softmax_backward_cpu(const SoftmaxBackwardArgs& a) {
  if (a.grad_x == nullptr) return;
  parallel_for(a.rows, std::max<int64_t>(kElementsPerPiece / a.cols, 1), [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(softmax_grad_rows)(a, begin, end);
  });
}

}  // namespace assay::kernels
#endif
