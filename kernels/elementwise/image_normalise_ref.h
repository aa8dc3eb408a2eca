// SPDX-License-Identifier: Apache-2.0
// The equation of image_normalise.h in double.
#pragma once

namespace assay::kernels {

inline double image_normalise_ref(int level, double mean, double deviation) { return (level - mean) / deviation; }

}  // namespace assay::kernels
