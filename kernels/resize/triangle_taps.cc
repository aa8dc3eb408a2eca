// SPDX-License-Identifier: Apache-2.0
// In double and in Pillow's order of operations, since a weight that rounds the other way changes pixels. Compiled for
// the baseline instruction set: a fused multiply-add would round differently.
#include "kernels/resize/triangle_taps.h"

#include <algorithm>
#include <cmath>

namespace assay::kernels {
namespace {

double step_of(int64_t in, int64_t out) { return static_cast<double>(in) / static_cast<double>(out); }

double triangle(double t) { return std::max(1.0 - std::abs(t), 0.0); }

}  // namespace

int64_t triangle_taps_stride(int64_t in, int64_t out) {
  const double half_width = std::max(step_of(in, out), 1.0);
  return 2 * static_cast<int64_t>(std::ceil(half_width)) + 1;
}

void compute_triangle_taps(int64_t in, int64_t out, const TriangleTaps& taps) {
  const double step = step_of(in, out);
  const double half_width = std::max(step, 1.0);
  const double inverse = 1.0 / half_width;
  for (int64_t i = 0; i < out; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * step;
    const int64_t begin = std::max<int64_t>(static_cast<int64_t>(centre - half_width + 0.5), 0);
    const int64_t end = std::min(static_cast<int64_t>(centre + half_width + 0.5), in);
    const auto raw_weight = [&](int64_t j) { return triangle((static_cast<double>(j) - centre + 0.5) * inverse); };
    double sum = 0;
    for (int64_t j = begin; j < end; ++j) sum += raw_weight(j);
    int32_t* weights = taps.weights + i * taps.stride;
    for (int64_t j = begin; j < end; ++j) {
      const double weight = sum != 0 ? raw_weight(j) / sum : raw_weight(j);
      weights[j - begin] = static_cast<int32_t>(0.5 + weight * (1 << kTapFractionBits));
    }
    taps.first[i] = static_cast<int32_t>(begin);
    taps.num_taps[i] = static_cast<int32_t>(end - begin);
  }
}

}  // namespace assay::kernels
