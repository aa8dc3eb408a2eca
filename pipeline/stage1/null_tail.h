// SPDX-License-Identifier: Apache-2.0
// Where a set of values begins to have more large ones than its bulk explains.
#pragma once

#include <vector>

namespace assay::pipeline {

struct NullTail {
  bool found = false;      // false: the bulk explains everything, nothing is to be cut
  double threshold = 0;    // values above it are the tail; infinity where there is none
  double tail_share = 0;   // of all values that lie above it
  double false_share = 0;  // of the tail that the bulk would have put there: the estimated false discovery rate
};

// What the bulk of the values follows.
enum class BulkShape {
  kLogNormal,  // distances: their logarithms are normal
  kNormal,     // scores that were centred and scaled before, which may be negative: they themselves are
};

// The empirical null of Efron (2004): logarithms of the values, centred by their median and scaled by 1.4826 MAD, are
// taken as standard normal but for a minority of outliers. The threshold is the lowest one at which the normal tail
// accounts for at most `false_share_limit` of the values above (tail-area false discovery rate, Benjamini and Hochberg
// 1995), but no lower than two deviations above the median. values: finite, at least one, not negative under kLogNormal
// (assay::Error). Ties stay on one side.
NullTail find_null_tail(const std::vector<float>& values, double false_share_limit,
                        BulkShape bulk = BulkShape::kLogNormal);

}  // namespace assay::pipeline
