// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage1/robust.h"

#include <algorithm>
#include <cmath>

#include "kernels/base/check.h"

namespace assay::pipeline {

double median(std::vector<double> values) {
  ASSAY_CHECK(!values.empty(), "median of no values");
  const auto middle = values.begin() + values.size() / 2;
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

RobustScale robust_scale(const std::vector<double>& values) {
  const double center = median(values);
  std::vector<double> deviations;
  deviations.reserve(values.size());
  for (const double v : values) deviations.push_back(std::abs(v - center));
  return {center, median(std::move(deviations))};
}

}  // namespace assay::pipeline
