// SPDX-License-Identifier: Apache-2.0
// One thread, vectors along the channels. The window is summed directly, cell by cell: at window 3 the nine loads hit
// the first-level cache, and a separable sum would need a row of scratch to save six of them.
#include "kernels/base/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/pool/neighbourhood_mean_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>

#include "kernels/pool/neighbourhood_mean.h"

HWY_BEFORE_NAMESPACE();
namespace assay::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

struct Window {
  int64_t top, bottom, left, right;  // rows top..bottom-1, columns left..right-1, inside the grid
};

template <class D>
void mean_of_lanes(D d, const NeighbourhoodMeanArgs& a, const Window& win, int64_t c, float* y) {
  const float count = static_cast<float>((win.bottom - win.top) * (win.right - win.left));
  auto sum = hn::Zero(d);
  for (int64_t h = win.top; h < win.bottom; ++h) {
    for (int64_t w = win.left; w < win.right; ++w) {
      sum = hn::Add(sum, hn::LoadU(d, a.x + (h * a.width + w) * a.channels + c));
    }
  }
  hn::StoreU(hn::Div(sum, hn::Set(d, count)), d, y + c);
}

void neighbourhood_mean_simd(const NeighbourhoodMeanArgs& a) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const int64_t lanes = hn::Lanes(d);
  const int64_t reach = a.window / 2;
  for (int64_t h = 0; h < a.height; ++h) {
    for (int64_t w = 0; w < a.width; ++w) {
      const Window win = {std::max<int64_t>(h - reach, 0), std::min(h + reach + 1, a.height),
                          std::max<int64_t>(w - reach, 0), std::min(w + reach + 1, a.width)};
      float* y = a.y + (h * a.width + w) * a.channels;
      int64_t c = 0;
      for (; c + lanes <= a.channels; c += lanes) mean_of_lanes(d, a, win, c, y);
      for (; c < a.channels; ++c) mean_of_lanes(one, a, win, c, y);
    }
  }
}

}  // namespace assay::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::kernels {

HWY_EXPORT(neighbourhood_mean_simd);

void neighbourhood_mean_cpu(const NeighbourhoodMeanArgs& args) {
  const int64_t grid_floats = args.height * args.width * args.channels;
  for (int64_t b = 0; b < args.batch; ++b) {
    NeighbourhoodMeanArgs grid = args;
    grid.x += b * grid_floats;
    grid.y += b * grid_floats;
    HWY_DYNAMIC_DISPATCH(neighbourhood_mean_simd)(grid);
  }
}

}  // namespace assay::kernels
#endif
