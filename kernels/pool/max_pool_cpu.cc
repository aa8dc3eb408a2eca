// SPDX-License-Identifier: Apache-2.0
// Vectors along the channels, rows of outputs shared out among threads.
#include "kernels/base/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/pool/max_pool_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <limits>

#include "kernels/base/parallel.h"
#include "kernels/pool/max_pool.h"

HWY_BEFORE_NAMESPACE();
namespace assay::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Row `line` of the outputs of all grids.
void max_pool_line(const MaxPoolArgs& a, int64_t line) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const int64_t lanes = hn::Lanes(d);
  const float* x = a.x + line / a.out_height * a.height * a.width * a.channels;
  const PoolSpan rows = window_span(line % a.out_height, a.height, a.window, a.stride, a.padding);
  for (int64_t j = 0; j < a.out_width; ++j) {
    const PoolSpan columns = window_span(j, a.width, a.window, a.stride, a.padding);
    float* y = a.y + (line * a.out_width + j) * a.channels;
    const auto largest_lanes = [&](auto tag, int64_t c) HWY_ATTR {
      auto largest = hn::Set(tag, -std::numeric_limits<float>::infinity());
      for (int64_t h = rows.begin; h < rows.end; ++h) {
        for (int64_t w = columns.begin; w < columns.end; ++w) {
          const auto value = hn::LoadU(tag, x + (h * a.width + w) * a.channels + c);
          largest = hn::IfThenElse(hn::Or(hn::Gt(value, largest), hn::IsNaN(value)), value, largest);
        }
      }
      hn::StoreU(largest, tag, y + c);
    };
    int64_t c = 0;
    for (; c + lanes <= a.channels; c += lanes) largest_lanes(d, c);
    for (; c < a.channels; ++c) largest_lanes(one, c);
  }
}

}  // namespace assay::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::kernels {

HWY_EXPORT(max_pool_line);

void max_pool_cpu(const MaxPoolArgs& a) {
  if (a.out_width * a.channels == 0) return;
  parallel_for(a.batch * a.out_height, 1, [&](int64_t begin, int64_t end) {
    for (int64_t line = begin; line < end; ++line) HWY_DYNAMIC_DISPATCH(max_pool_line)(a, line);
  });
}

}  // namespace assay::kernels
#endif
