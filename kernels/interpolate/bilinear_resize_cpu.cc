// SPDX-License-Identifier: Apache-2.0
// One thread. With many channels (feature grids) vectors run along the channels; with few (maps) along nothing, since
// neighbouring outputs read gathered inputs. Columns are taken in blocks so that their taps, which every row shares,
// are computed once and fit on the stack.
#include "kernels/base/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/interpolate/bilinear_resize_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>

#include "kernels/interpolate/bilinear_resize.h"

HWY_BEFORE_NAMESPACE();
namespace assay::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int64_t kBlockColumns = 256;  // taps of a block take 6 KB: a fraction of the first-level cache

struct Tap {
  int64_t low, high;  // source cells
  float weight;       // of `high`; `low` gets the rest
};

// The position is computed in double: in float, cells beyond 2^23 would lose their fraction.
HWY_INLINE Tap tap_at(int64_t i, int64_t in, int64_t out, PixelAlignment alignment) {
  double position = 0;
  if (alignment == PixelAlignment::kCentres) {
    const double scale = static_cast<double>(in) / static_cast<double>(out);
    position = std::max((static_cast<double>(i) + 0.5) * scale - 0.5, 0.0);
  } else if (out > 1) {  // the product first: it is exact, so that the last output is the last cell
    position = static_cast<double>(i) * static_cast<double>(in - 1) / static_cast<double>(out - 1);
  }
  const int64_t low = std::min(static_cast<int64_t>(position), in - 1);
  return {low, std::min(low + 1, in - 1), static_cast<float>(position - static_cast<double>(low))};
}

struct Corners {
  const float *top_left, *top_right, *bottom_left, *bottom_right;  // (C) each
};

template <class D>
HWY_INLINE void interpolate_lanes(D d, const Corners& p, float across, float down, int64_t c, float* y) {
  const auto lerp = [&](auto from, auto to, float weight) {
    return hn::MulAdd(hn::Set(d, weight), to, hn::Mul(hn::Set(d, 1 - weight), from));
  };
  const auto top = lerp(hn::LoadU(d, p.top_left + c), hn::LoadU(d, p.top_right + c), across);
  const auto bottom = lerp(hn::LoadU(d, p.bottom_left + c), hn::LoadU(d, p.bottom_right + c), across);
  hn::StoreU(lerp(top, bottom, down), d, y + c);
}

// `taps` are those of columns begin to end.
void resize_row(const BilinearResizeArgs& a, int64_t row, int64_t begin, int64_t end, const Tap* taps) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const int64_t lanes = hn::Lanes(d);
  const Tap down = tap_at(row, a.height, a.out_height, a.alignment);
  const float* top = a.x + down.low * a.width * a.channels;
  const float* bottom = a.x + down.high * a.width * a.channels;
  for (int64_t i = begin; i < end; ++i) {
    const Tap& across = taps[i - begin];
    const int64_t left = across.low * a.channels, right = across.high * a.channels;
    const Corners corners = {top + left, top + right, bottom + left, bottom + right};
    float* y = a.y + (row * a.out_width + i) * a.channels;
    int64_t c = 0;
    for (; c + lanes <= a.channels; c += lanes) interpolate_lanes(d, corners, across.weight, down.weight, c, y);
    for (; c < a.channels; ++c) interpolate_lanes(one, corners, across.weight, down.weight, c, y);
  }
}

void bilinear_resize_simd(const BilinearResizeArgs& a) {
  for (int64_t begin = 0; begin < a.out_width; begin += kBlockColumns) {
    const int64_t end = std::min(begin + kBlockColumns, a.out_width);
    Tap taps[kBlockColumns];
    for (int64_t i = begin; i < end; ++i) taps[i - begin] = tap_at(i, a.width, a.out_width, a.alignment);
    for (int64_t row = 0; row < a.out_height; ++row) resize_row(a, row, begin, end, taps);
  }
}

}  // namespace assay::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::kernels {

HWY_EXPORT(bilinear_resize_simd);

void bilinear_resize_cpu(const BilinearResizeArgs& args) {
  BilinearResizeArgs grid = args;
  for (int64_t b = 0; b < args.batch; ++b) {
    HWY_DYNAMIC_DISPATCH(bilinear_resize_simd)(grid);
    grid.x += args.height * args.width * args.channels;
    grid.y += args.out_height * args.out_width * args.channels;
  }
}

}  // namespace assay::kernels
#endif
