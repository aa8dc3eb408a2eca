// SPDX-License-Identifier: Apache-2.0
// Minimum distance to each segment by its definition, in double, with what the float32 expansion may be off by.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "kernels/knn/nearest_neighbour_ref.h"

namespace assay::kernels::ref {

struct SegmentDistance {
  double distance2;  // +infinity where the segment is empty
  double tolerance;
};

inline SegmentDistance segment_minimum(const float* q, const std::vector<float>& references, int64_t begin, int64_t end,
                                       int64_t dim) {
  SegmentDistance out{std::numeric_limits<double>::infinity(), 0};
  for (int64_t p = begin; p < end; ++p) {
    out.distance2 = std::min(out.distance2, distance2(q, references.data() + p * dim, dim));
    out.tolerance = std::max(out.tolerance, expansion_error(q, references.data() + p * dim, dim));
  }
  return out;
}

}  // namespace assay::kernels::ref
