// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage1/null_tail.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "kernels/base/check.h"
#include "pipeline/stage1/robust.h"

namespace assay::pipeline {
namespace {

constexpr double kDeviationsPerMad = 1.4826;  // of a normal distribution
constexpr double kLeastDeviations = 1;        // the bulk itself is never cut
constexpr double kFloor = 1e-6;               // of the median, added so that a zero has a logarithm

double normal_tail(double z) { return 0.5 * std::erfc(z / std::sqrt(2.0)); }

}  // namespace

NullTail find_null_tail(const std::vector<float>& values, double false_share_limit) {
  ASSAY_CHECK(!values.empty(), "find_null_tail: no values");
  std::vector<double> logs;
  logs.reserve(values.size());
  const double floor = kFloor * median({values.begin(), values.end()}) + std::numeric_limits<double>::min();
  for (const float v : values) {
    ASSAY_CHECK(std::isfinite(v) && v >= 0, "find_null_tail: the value ", v, " is negative or not finite");
    logs.push_back(std::log(v + floor));
  }
  const RobustScale bulk = robust_scale(logs);
  NullTail tail;
  tail.threshold = std::numeric_limits<double>::infinity();
  if (!(bulk.mad > 0)) return tail;
  std::vector<float> descending = values;
  std::sort(descending.begin(), descending.end(), std::greater<float>());
  const double count = static_cast<double>(values.size());
  for (size_t i = 0; i + 1 < descending.size(); ++i) {
    if (descending[i] == descending[i + 1]) continue;  // the tail ends between different values
    const double z = (std::log(descending[i] + floor) - bulk.median) / (kDeviationsPerMad * bulk.mad);
    if (z < kLeastDeviations) break;
    const double above = static_cast<double>(i + 1);
    const double false_share = normal_tail(z) * count / above;
    if (false_share > false_share_limit) continue;
    tail.found = true;
    tail.threshold = descending[i + 1];
    tail.tail_share = above / count;
    tail.false_share = false_share;
  }
  return tail;
}

}  // namespace assay::pipeline
