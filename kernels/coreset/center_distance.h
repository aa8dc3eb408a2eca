// SPDX-License-Identifier: Apache-2.0
// What decides in the greedy selection on the CPU: squared distances in float32, the same bits wherever asked for.
#pragma once

#include <cstdint>

#include "kernels/coreset/greedy_k_center.h"

namespace assay::kernels {

// Squared distance of two points (D).
float center_distance2(const float* x, const float* center, int64_t dim);

// The smaller of a minimum and a distance, where a NaN counts as 0.
inline float lowered(float minimum, float distance2) {
  return distance2 >= minimum ? minimum : distance2 < minimum ? distance2 : 0.0f;
}

// Lowers *minimum by the distances of a point to the selected centres [*seen, num_centers) as long as it is at least
// `enough`, and counts in *seen how far that went.
void see_centers(const GreedyKCenterArgs& a, int64_t point, int64_t num_centers, float enough, float* minimum,
                 int32_t* seen);

// The largest of x (count), or -1 where all are less.
float largest_of(const float* x, int64_t count);

}  // namespace assay::kernels
