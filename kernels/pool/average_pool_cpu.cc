// SPDX-License-Identifier: Apache-2.0
// Vectors along the channels, rows of outputs shared out among threads. Each window is summed directly: they overlap
// little, if at all.
#include "kernels/base/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/pool/average_pool_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>

#include "kernels/base/parallel.h"
#include "kernels/pool/average_pool.h"
#include "kernels/pool/pool_window.h"

HWY_BEFORE_NAMESPACE();
namespace assay::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// y (C) = sum of x over rows and columns, divided by `divisor`. x is a grid of (., width, C).
void mean_of_window(const float* x, int64_t width, int64_t channels, PoolSpan rows, PoolSpan columns, float divisor,
                    float* y) {
  const auto mean_lanes = [&](auto d, int64_t c) HWY_ATTR {
    auto sum = hn::Zero(d);
    for (int64_t h = rows.begin; h < rows.end; ++h) {
      for (int64_t w = columns.begin; w < columns.end; ++w) {
        sum = hn::Add(sum, hn::LoadU(d, x + (h * width + w) * channels + c));
      }
    }
    hn::StoreU(hn::Div(sum, hn::Set(d, divisor)), d, y + c);
  };
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const int64_t lanes = hn::Lanes(d);
  int64_t c = 0;
  for (; c + lanes <= channels; c += lanes) mean_lanes(d, c);
  for (; c < channels; ++c) mean_lanes(one, c);
}

// Row `line` of the outputs of all grids.
void average_pool_line(const AveragePoolArgs& a, int64_t line) {
  const float* x = a.x + line / a.out_height * a.height * a.width * a.channels;
  const PoolSpan rows = window_span(line % a.out_height, a.height, a.window, a.stride, a.padding);
  for (int64_t j = 0; j < a.out_width; ++j) {
    const PoolSpan columns = window_span(j, a.width, a.window, a.stride, a.padding);
    const int64_t count = a.padding_count == PaddingCount::kIncluded
                              ? a.window * a.window
                              : (rows.end - rows.begin) * (columns.end - columns.begin);
    mean_of_window(x, a.width, a.channels, rows, columns, static_cast<float>(count),
                   a.y + (line * a.out_width + j) * a.channels);
  }
}

void adaptive_average_pool_line(const AdaptiveAveragePoolArgs& a, int64_t line) {
  const float* x = a.x + line / a.out_height * a.height * a.width * a.channels;
  const PoolSpan rows = adaptive_span(line % a.out_height, a.height, a.out_height);
  for (int64_t j = 0; j < a.out_width; ++j) {
    const PoolSpan columns = adaptive_span(j, a.width, a.out_width);
    const int64_t count = (rows.end - rows.begin) * (columns.end - columns.begin);
    mean_of_window(x, a.width, a.channels, rows, columns, static_cast<float>(count),
                   a.y + (line * a.out_width + j) * a.channels);
  }
}

}  // namespace assay::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::kernels {

HWY_EXPORT(average_pool_line);
HWY_EXPORT(adaptive_average_pool_line);

void average_pool_cpu(const AveragePoolArgs& a) {
  if (a.out_width * a.channels == 0) return;
  parallel_for(a.batch * a.out_height, 1, [&](int64_t begin, int64_t end) {
    for (int64_t line = begin; line < end; ++line) HWY_DYNAMIC_DISPATCH(average_pool_line)(a, line);
  });
}

void adaptive_average_pool_cpu(const AdaptiveAveragePoolArgs& a) {
  if (a.out_width * a.channels == 0) return;
  parallel_for(a.batch * a.out_height, 1, [&](int64_t begin, int64_t end) {
    for (int64_t line = begin; line < end; ++line) HWY_DYNAMIC_DISPATCH(adaptive_average_pool_line)(a, line);
  });
}

}  // namespace assay::kernels
#endif
