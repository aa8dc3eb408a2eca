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
constexpr double kLeastDeviations = 2;        // the bulk itself is never cut
constexpr double kFloor = 1e-6;               // of the median, added so that a zero has a logarithm

double normal_tail(double z) { return 0.5 * std::erfc(z / std::sqrt(2.0)); }

}  // namespace

NullTail find_null_tail(const std::vector<float>& values, double false_share_limit, BulkShape shape) {
  ASSAY_CHECK(!values.empty(), "find_null_tail: no values");
  const bool is_log = shape == BulkShape::kLogNormal;
  const double floor = kFloor * median({values.begin(), values.end()}) + std::numeric_limits<double>::min();
  const auto to_normal = [&](double v) { return is_log ? std::log(v + floor) : v; };
  std::vector<double> normal;
  normal.reserve(values.size());
  for (const float v : values) {
    ASSAY_CHECK(std::isfinite(v) && (v >= 0 || !is_log), "find_null_tail: the value ", v, " is negative or not finite");
    normal.push_back(to_normal(v));
  }
  const RobustScale bulk = robust_scale(normal);
  NullTail tail;
  tail.threshold = std::numeric_limits<double>::infinity();
  if (!(bulk.mad > 0)) return tail;
  std::vector<float> descending = values;
  std::sort(descending.begin(), descending.end(), std::greater<float>());
  const double count = static_cast<double>(values.size());
  const double deviation = kDeviationsPerMad * bulk.mad;
  double lowest_z = std::numeric_limits<double>::infinity();
  for (size_t i = 0; i + 1 < descending.size(); ++i) {
    if (descending[i] == descending[i + 1]) continue;  // the tail ends between different values
    const double z = (to_normal(descending[i]) - bulk.median) / deviation;
    if (z < 0) break;
    if (normal_tail(z) * count <= false_share_limit * static_cast<double>(i + 1)) {
      lowest_z = z;
      tail.threshold = descending[i + 1];
    }
  }
  if (lowest_z == std::numeric_limits<double>::infinity()) return tail;
  if (lowest_z < kLeastDeviations) {
    const double least = bulk.median + kLeastDeviations * deviation;
    tail.threshold = is_log ? std::exp(least) - floor : least;
  }
  const auto above = std::count_if(values.begin(), values.end(), [&](float v) { return v > tail.threshold; });
  tail.found = above > 0;
  tail.tail_share = static_cast<double>(above) / count;
  const double z = std::max(lowest_z, kLeastDeviations);
  tail.false_share = tail.found ? std::min(1.0, normal_tail(z) / tail.tail_share) : 0;
  return tail;
}

}  // namespace assay::pipeline
