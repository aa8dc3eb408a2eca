// SPDX-License-Identifier: Apache-2.0
// The products of the synthetic data. Each function draws product number `index` of a production run: `generator` is
// that product's own, `index` moves what drifts over the run (light, dye): in waves of at most 40 products, so that a
// training set sees every phase. Normal products differ from each other, and a few belong to rare but normal variants,
// named in each file.
#pragma once

#include <cstdint>

#include "kernels/random/generator.h"
#include "pipeline/demo/surface.h"

namespace assay::demo {

// Whether a part of the product is missing. `area`, where not null, receives 1 in the pixels where it should be, else
// 0. Random numbers are drawn alike either way, so the rest of the product is the same.
struct PartFault {
  bool present = false;
  Field* area = nullptr;
};

Scene draw_brushed_plate(int64_t index, kernels::Generator& generator);
Scene draw_woven_fabric(int64_t index, kernels::Generator& generator, const PartFault& fault);
Scene draw_stamped_gear(int64_t index, kernels::Generator& generator, const PartFault& fault);

}  // namespace assay::demo
