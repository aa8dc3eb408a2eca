// SPDX-License-Identifier: Apache-2.0
// One thread, vectors along the columns. Each output row is blurred down the columns into a padded row of scratch,
// whose ends are then mirrored, and along the row from there: no second map is needed.
#include "kernels/base/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/blur/gaussian_blur_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>

#include "kernels/blur/gaussian_blur.h"

HWY_BEFORE_NAMESPACE();
namespace assay::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Index i of the mirrored continuation of 0..n-1.
HWY_INLINE int64_t mirrored(int64_t i, int64_t n) {
  if (i >= 0 && i < n) return i;
  const int64_t period = 2 * n;
  const int64_t phase = ((i % period) + period) % period;
  return phase < n ? phase : period - 1 - phase;
}

// out += weight * (above + below); all (width).
void add_rows(const float* above, const float* below, float weight, int64_t width, float* out) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const int64_t lanes = hn::Lanes(d);
  const auto add = [&](auto tag, int64_t i) HWY_ATTR {
    const auto pair = hn::Add(hn::LoadU(tag, above + i), hn::LoadU(tag, below + i));
    hn::StoreU(hn::MulAdd(hn::Set(tag, weight), pair, hn::LoadU(tag, out + i)), tag, out + i);
  };
  int64_t i = 0;
  for (; i + lanes <= width; i += lanes) add(d, i);
  for (; i < width; ++i) add(one, i);
}

// `padded` is the column's place in the padded row, which holds `radius` more on both sides.
template <class D>
HWY_INLINE void blur_across_lanes(D d, const float* padded, const float* weights, int64_t radius, float* y) {
  auto sum = hn::Mul(hn::Set(d, weights[0]), hn::LoadU(d, padded));
  for (int64_t i = 1; i <= radius; ++i) {
    sum = hn::MulAdd(hn::Set(d, weights[i]), hn::Add(hn::LoadU(d, padded - i), hn::LoadU(d, padded + i)), sum);
  }
  hn::StoreU(sum, d, y);
}

void blur_row(const GaussianBlurArgs& a, const float* weights, int64_t radius, int64_t row, float* padded) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const int64_t lanes = hn::Lanes(d);
  const float* x = a.x + row * a.width;
  for (int64_t column = 0; column < a.width; ++column) padded[column] = weights[0] * x[column];
  // Whole rows one after the other: down single columns, widths of a power of two fall into few cache sets (3.3 times
  // slower at 1024 x 1024).
  for (int64_t i = 1; i <= radius; ++i) {
    add_rows(a.x + mirrored(row - i, a.height) * a.width, a.x + mirrored(row + i, a.height) * a.width, weights[i],
             a.width, padded);
  }
  for (int64_t i = 1; i <= radius; ++i) {
    padded[-i] = padded[mirrored(-i, a.width)];
    padded[a.width - 1 + i] = padded[mirrored(a.width - 1 + i, a.width)];
  }
  float* y = a.y + row * a.width;
  int64_t column = 0;
  for (; column + lanes <= a.width; column += lanes) {
    blur_across_lanes(d, padded + column, weights, radius, y + column);
  }
  for (; column < a.width; ++column) blur_across_lanes(one, padded + column, weights, radius, y + column);
}

void gaussian_blur_simd(const GaussianBlurArgs& a) {
  const int64_t radius = gaussian_blur_radius(a.sigma);
  float* weights = a.workspace;                       // (radius + 1)
  float* padded = a.workspace + radius + 1 + radius;  // (W), and radius on both sides
  double total = 1;
  for (int64_t i = 1; i <= radius; ++i) total += 2 * std::exp(-0.5 * i * i / (a.sigma * a.sigma));
  weights[0] = static_cast<float>(1 / total);
  for (int64_t i = 1; i <= radius; ++i) {
    weights[i] = static_cast<float>(std::exp(-0.5 * i * i / (a.sigma * a.sigma)) / total);
  }
  GaussianBlurArgs map = a;
  for (int64_t b = 0; b < a.batch; ++b) {
    for (int64_t row = 0; row < a.height; ++row) blur_row(map, weights, radius, row, padded);
    map.x += a.height * a.width;
    map.y += a.height * a.width;
  }
}

}  // namespace assay::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::kernels {

HWY_EXPORT(gaussian_blur_simd);

void gaussian_blur_cpu(const GaussianBlurArgs& args) {
  if (args.width == 0) return;  // nothing to mirror
  HWY_DYNAMIC_DISPATCH(gaussian_blur_simd)(args);
}

}  // namespace assay::kernels
#endif
