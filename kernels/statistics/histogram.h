// SPDX-License-Identifier: Apache-2.0
// How many of n values fall into each of B equal bins of [low, high]:
//
//   bin(x) = min(B - 1, floor((x - low) * (B / (high - low)))),   low <= x <= high
//
// in double, so that float32 values keep their order and both ends belong to a bin. Values outside, infinities and NaN
// are not counted: n less the sum of the counts says how many. Counts are added to those that are there, so that
// values may come in any number of calls. Exact integers: the same on every backend, for any number of threads.
// The op layer has checked the arguments; kernels do not check again.
#pragma once

#include <cstdint>

#include "kernels/base/host_device.h"
#include "kernels/base/kernel_table.h"

namespace assay::kernels {

struct HistogramArgs {
  const float* x;   // (n)
  int64_t* counts;  // (B)  in and out
  int64_t count;    // n >= 0
  int64_t bins;     // B >= 1
  double low;       // finite
  double high;      // finite, > low
};
extern const KernelTable<HistogramArgs> histogram;

// The bin of x, or -1. bins_per_unit = B / (high - low).
ASSAY_HOST_DEVICE inline int64_t histogram_bin(float x, const HistogramArgs& a, double bins_per_unit) {
  const double value = x;
  if (!(value >= a.low && value <= a.high)) return -1;
  const int64_t bin = static_cast<int64_t>((value - a.low) * bins_per_unit);
  return bin < a.bins ? bin : a.bins - 1;
}

}  // namespace assay::kernels
