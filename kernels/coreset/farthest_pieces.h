// SPDX-License-Identifier: Apache-2.0
// How a pass over all points is cut for the threads, and what each piece answers.
#pragma once

#include <cstdint>

namespace assay::kernels {

constexpr int64_t kPointsPerPiece = 512;  // 256 KiB at D = 128: long enough to hide the hand-out, short enough to share

struct Farthest {
  int64_t index;    // the lowest of the piece's farthest points
  float distance2;  // to the nearest point taken; -1 where the whole piece is taken
};

}  // namespace assay::kernels
