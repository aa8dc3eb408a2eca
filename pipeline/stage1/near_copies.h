// SPDX-License-Identifier: Apache-2.0
// Which images are near copies of each other: photographs of one object taken in a row, at several exposures or from
// almost the same place. What they show in common they would vouch for, each for the others, although it was seen once.
#pragma once

#include <cstdint>
#include <vector>

#include "pipeline/stage1/distance_table.h"

namespace assay::pipeline {

// The near copies of each image, ascending; j is one of i exactly if i is one of j. Two images are near copies if each
// is among the five nearest images of more than `patch_share` of the other's patches; ties in distance go to the lower
// index. Of few images a twentieth of the others counts instead of five, so that chance makes no copies, and below 21
// images there are none. 0 < patch_share <= 1 (assay::Error); at 1 there are none. Ties apart, the order of the images
// has no part in it.
std::vector<std::vector<int64_t>> find_near_copies(const DistanceTable& table, double patch_share);

}  // namespace assay::pipeline
