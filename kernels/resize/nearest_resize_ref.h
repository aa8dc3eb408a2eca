// SPDX-License-Identifier: Apache-2.0
// The source pixel of a nearest-neighbour resize in whole numbers: floor((2 i + 1) in / (2 out)).
#pragma once

#include <cstdint>

namespace assay::kernels {

inline int64_t nearest_pixel_ref(int64_t in, int64_t out, int64_t i) { return (2 * i + 1) * in / (2 * out); }

// Where the position is a whole number, rounding decides, and the pixel before is as good.
inline bool nearest_is_tie_ref(int64_t in, int64_t out, int64_t i) { return (2 * i + 1) * in % (2 * out) == 0; }

}  // namespace assay::kernels
