// SPDX-License-Identifier: Apache-2.0
// The cells of an axis that an output of a pooling kernel looks at.
#pragma once

#include <cstdint>

#include "kernels/base/host_device.h"

namespace assay::kernels {

// Outputs along an axis of n cells: floor((n + 2 padding - window) / stride) + 1, or 0 where no window fits.
ASSAY_HOST_DEVICE inline int64_t pooled_length(int64_t n, int64_t window, int64_t stride, int64_t padding) {
  const int64_t room = n + 2 * padding - window;
  return n == 0 || room < 0 ? 0 : room / stride + 1;
}

// Cells begin .. end - 1 of an axis.
struct PoolSpan {
  int64_t begin, end;
};

// Those of output i that lie inside an axis of n cells.
ASSAY_HOST_DEVICE inline PoolSpan window_span(int64_t i, int64_t n, int64_t window, int64_t stride, int64_t padding) {
  const int64_t begin = i * stride - padding, end = begin + window;
  return {begin < 0 ? 0 : begin, end > n ? n : end};
}

// Those of output i of `out` that share an axis of n cells evenly.
ASSAY_HOST_DEVICE inline PoolSpan adaptive_span(int64_t i, int64_t n, int64_t out) {
  return {i * n / out, ((i + 1) * n + out - 1) / out};
}

}  // namespace assay::kernels
