// SPDX-License-Identifier: Apache-2.0
// Statistics that a minority of outliers cannot move.
#pragma once

#include <vector>

namespace assay::pipeline {

// Of an even count the mean of the middle two. Needs at least one value (assay::Error).
double median(std::vector<double> values);

struct RobustScale {
  double median;
  double mad;  // median of |x - median|, not scaled to a standard deviation
};
RobustScale robust_scale(const std::vector<double>& values);

}  // namespace assay::pipeline
