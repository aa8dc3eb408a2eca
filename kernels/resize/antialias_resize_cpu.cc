// SPDX-License-Identifier: Apache-2.0
// One thread. Columns: a row is split into its channels, then each output pixel is a dot product along the row, lanes
// running over taps. Rows: lanes run along the row, one multiply-add per tap.
#include <algorithm>
#include <cstring>

#include "kernels/resize/antialias_resize.h"
#include "kernels/resize/triangle_taps.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/resize/antialias_resize_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace assay::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int32_t kHalf = 1 << (kTapFractionBits - 1);

// (W, 3) -> three planes of W bytes, plane_stride apart.
void split_channels(const uint8_t* x, int64_t width, int64_t plane_stride, uint8_t* planes) {
  const hn::ScalableTag<uint8_t> d;
  const int64_t lanes = hn::Lanes(d);
  uint8_t *r = planes, *g = planes + plane_stride, *b = planes + 2 * plane_stride;
  int64_t i = 0;
  for (; i + lanes <= width; i += lanes) {
    auto v0 = hn::Undefined(d), v1 = v0, v2 = v0;
    hn::LoadInterleaved3(d, x + 3 * i, v0, v1, v2);
    hn::StoreU(v0, d, r + i);
    hn::StoreU(v1, d, g + i);
    hn::StoreU(v2, d, b + i);
  }
  for (; i < width; ++i) {
    r[i] = x[3 * i];
    g[i] = x[3 * i + 1];
    b[i] = x[3 * i + 2];
  }
}

// One row of one channel; every out_channels-th byte of y is written.
void filter_columns(const uint8_t* x, const TriangleTaps& taps, int64_t out_width, int64_t out_channels, uint8_t* y) {
  const hn::CappedTag<int32_t, kTapPadding> d;
  const hn::Rebind<uint8_t, decltype(d)> d8;
  const int32_t lanes = static_cast<int32_t>(hn::Lanes(d));
  for (int64_t i = 0; i < out_width; ++i) {
    const uint8_t* source = x + taps.first[i];
    const int32_t* weights = taps.weights + i * taps.stride;
    auto sum = hn::Zero(d);
    for (int32_t t = 0; t < taps.num_taps[i]; t += lanes) {
      const auto pixels = hn::PromoteTo(d, hn::LoadU(d8, source + t));
      sum = hn::Add(sum, hn::Mul(pixels, hn::LoadU(d, weights + t)));
    }
    const int32_t rounded = (hn::GetLane(hn::SumOfLanes(d, sum)) + kHalf) >> kTapFractionBits;
    y[i * out_channels] = static_cast<uint8_t>(std::min(rounded, 255));
  }
}

template <class D>
HWY_INLINE void filter_rows_lanes(D d, const uint8_t* x, int64_t x_stride, const int32_t* weights, int64_t num_taps,
                                  uint8_t* y) {
  const hn::Rebind<uint8_t, D> d8;
  auto sum = hn::Set(d, kHalf);
  for (int64_t t = 0; t < num_taps; ++t) {
    const auto pixels = hn::PromoteTo(d, hn::LoadU(d8, x + t * x_stride));
    sum = hn::Add(sum, hn::Mul(pixels, hn::Set(d, weights[t])));
  }
  hn::StoreU(hn::DemoteTo(d8, hn::ShiftRight<kTapFractionBits>(sum)), d8, y);
}

// (H, row_bytes) -> (H2, row_bytes).
void filter_rows(const uint8_t* x, int64_t x_stride, const TriangleTaps& taps, int64_t out_height, int64_t row_bytes,
                 uint8_t* y) {
  const hn::ScalableTag<int32_t> d;
  const hn::CappedTag<int32_t, 1> one;
  const int64_t lanes = hn::Lanes(d);
  for (int64_t i = 0; i < out_height; ++i) {
    const uint8_t* source = x + taps.first[i] * x_stride;
    const int32_t* weights = taps.weights + i * taps.stride;
    uint8_t* out = y + i * row_bytes;
    int64_t c = 0;
    for (; c + lanes <= row_bytes; c += lanes) {
      filter_rows_lanes(d, source + c, x_stride, weights, taps.num_taps[i], out + c);
    }
    for (; c < row_bytes; ++c) filter_rows_lanes(one, source + c, x_stride, weights, taps.num_taps[i], out + c);
  }
}

// (H, W, C) -> (H, W2, C), contiguous. `planes` holds C rows of W + taps.stride bytes.
void filter_all_columns(const AntialiasResizeArgs& a, const TriangleTaps& taps, uint8_t* planes, uint8_t* y) {
  const int64_t plane_stride = a.width + taps.stride;
  std::memset(planes, 0, a.channels * plane_stride);
  for (int64_t row = 0; row < a.height; ++row) {
    const uint8_t* x = a.x + row * a.x_stride_bytes;
    if (a.channels == 3) {
      split_channels(x, a.width, plane_stride, planes);
    } else {
      std::memcpy(planes, x, a.width);
    }
    for (int64_t c = 0; c < a.channels; ++c) {
      filter_columns(planes + c * plane_stride, taps, a.out_width, a.channels, y + row * a.out_width * a.channels + c);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace assay::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::kernels {
namespace {

HWY_EXPORT(filter_all_columns);
HWY_EXPORT(filter_rows);

// Hands out consecutive aligned pieces of the workspace; with no workspace it only counts.
class Pieces {
 public:
  explicit Pieces(void* workspace) : base_(reinterpret_cast<uintptr_t>(workspace)) {}
  template <class T>
  T* take(int64_t count) {
    const uintptr_t begin = (base_ + used_ + kAlignment - 1) / kAlignment * kAlignment;
    used_ = begin - base_ + static_cast<size_t>(count) * sizeof(T);
    return reinterpret_cast<T*>(begin);
  }
  TriangleTaps take_taps(int64_t in, int64_t out) {
    TriangleTaps taps;
    taps.stride = triangle_taps_stride(in, out);
    taps.weights = take<int32_t>(out * taps.stride);
    taps.first = take<int32_t>(out);
    taps.num_taps = take<int32_t>(out);
    return taps;
  }
  size_t used() const { return used_; }

 private:
  static constexpr size_t kAlignment = 64;  // a cache line
  uintptr_t base_;
  size_t used_ = 0;
};

struct Workspace {
  TriangleTaps columns, rows;
  uint8_t* planes;    // (C, W + columns.stride)
  uint8_t* narrowed;  // (H, W2, C)
  size_t bytes;
};

Workspace lay_out(const AntialiasResizeArgs& a, void* memory) {
  Pieces pieces(memory);
  Workspace w;
  w.columns = pieces.take_taps(a.width, a.out_width);
  w.rows = pieces.take_taps(a.height, a.out_height);
  w.planes = pieces.take<uint8_t>(a.channels * (a.width + w.columns.stride));
  w.narrowed = pieces.take<uint8_t>(a.height * a.out_width * a.channels);
  w.bytes = pieces.used();
  return w;
}

void copy_rows(const AntialiasResizeArgs& a) {
  const int64_t row_bytes = a.width * a.channels;
  for (int64_t row = 0; row < a.height; ++row) {
    std::memcpy(a.y + row * row_bytes, a.x + row * a.x_stride_bytes, row_bytes);
  }
}

}  // namespace

size_t antialias_resize_workspace_bytes(const AntialiasResizeArgs& args) {
  return lay_out(args, nullptr).bytes + 64;  // the first piece moves up to its alignment
}

void antialias_resize_cpu(const AntialiasResizeArgs& args) {
  const bool changes_width = args.out_width != args.width;
  const bool changes_height = args.out_height != args.height;
  if (!changes_width && !changes_height) return copy_rows(args);
  const Workspace w = lay_out(args, args.workspace);
  const uint8_t* rows = args.x;
  int64_t rows_stride = args.x_stride_bytes;
  const int64_t row_bytes = args.out_width * args.channels;
  if (changes_width) {
    compute_triangle_taps(args.width, args.out_width, w.columns);
    uint8_t* narrowed = changes_height ? w.narrowed : args.y;
    HWY_DYNAMIC_DISPATCH(filter_all_columns)(args, w.columns, w.planes, narrowed);
    rows = narrowed;
    rows_stride = row_bytes;
  }
  if (!changes_height) return;
  compute_triangle_taps(args.height, args.out_height, w.rows);
  HWY_DYNAMIC_DISPATCH(filter_rows)(rows, rows_stride, w.rows, args.out_height, row_bytes, args.y);
}

}  // namespace assay::kernels
#endif
