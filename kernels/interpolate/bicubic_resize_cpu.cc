// SPDX-License-Identifier: Apache-2.0
// One thread, vectors along the channels: position embeddings have hundreds. Each output sums its sixteen cells; a pass
// per axis would need a grid of scratch, for an operation that runs once per input size.
#include "kernels/base/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/interpolate/bicubic_resize_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>

#include "kernels/interpolate/bicubic_resize.h"

HWY_BEFORE_NAMESPACE();
namespace assay::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

struct CubicTaps {
  int64_t cell[4];
  float weight[4];
};

HWY_INLINE CubicTaps cubic_taps(int64_t i, int64_t in, double step) {
  constexpr double a = -0.75;
  const double position = (static_cast<double>(i) + 0.5) * step - 0.5;
  const double below = std::floor(position);
  const double t = position - below;  // distance to the second cell; 1 - t to the third
  const auto near = [](double d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };
  const auto far = [](double d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };
  const double weights[4] = {far(t + 1), near(t), near(1 - t), far(2 - t)};
  CubicTaps taps;
  for (int64_t k = 0; k < 4; ++k) {
    taps.cell[k] = std::clamp<int64_t>(static_cast<int64_t>(below) - 1 + k, 0, in - 1);
    taps.weight[k] = static_cast<float>(weights[k]);
  }
  return taps;
}

template <class D>
HWY_INLINE void sum_lanes(D d, const BicubicResizeArgs& a, const CubicTaps& down, const CubicTaps& across, int64_t c,
                          float* y) {
  auto sum = hn::Zero(d);
  for (int64_t i = 0; i < 4; ++i) {
    const float* row = a.x + down.cell[i] * a.width * a.channels + c;
    auto line = hn::Zero(d);
    for (int64_t j = 0; j < 4; ++j) {
      line = hn::MulAdd(hn::Set(d, across.weight[j]), hn::LoadU(d, row + across.cell[j] * a.channels), line);
    }
    sum = hn::MulAdd(hn::Set(d, down.weight[i]), line, sum);
  }
  hn::StoreU(sum, d, y + c);
}

void bicubic_resize_simd(const BicubicResizeArgs& a) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const int64_t lanes = hn::Lanes(d);
  for (int64_t i = 0; i < a.out_height; ++i) {
    const CubicTaps down = cubic_taps(i, a.height, a.step_down);
    for (int64_t j = 0; j < a.out_width; ++j) {
      const CubicTaps across = cubic_taps(j, a.width, a.step_across);
      float* y = a.y + (i * a.out_width + j) * a.channels;
      int64_t c = 0;
      for (; c + lanes <= a.channels; c += lanes) sum_lanes(d, a, down, across, c, y);
      for (; c < a.channels; ++c) sum_lanes(one, a, down, across, c, y);
    }
  }
}

}  // namespace assay::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::kernels {

HWY_EXPORT(bicubic_resize_simd);

void bicubic_resize_cpu(const BicubicResizeArgs& args) {
  BicubicResizeArgs grid = args;
  for (int64_t b = 0; b < args.batch; ++b) {
    HWY_DYNAMIC_DISPATCH(bicubic_resize_simd)(grid);
    grid.x += args.height * args.width * args.channels;
    grid.y += args.out_height * args.out_width * args.channels;
  }
}

}  // namespace assay::kernels
#endif
