// SPDX-License-Identifier: Apache-2.0
// Flaws that can befall any product. Each changes the surface before the photograph is taken, so that lamp, lens and
// noise treat it as they treat the rest, and marks the pixels that it changed.
#pragma once

#include "kernels/random/generator.h"
#include "pipeline/demo/surface.h"

namespace assay::demo {

// Each needs a surface with some part in it, and sets `mask` to 1 where it changes more than a trace.
void add_scratch(Surface& surface, Field& mask, kernels::Generator& generator);
void add_dent(Surface& surface, Field& mask, kernels::Generator& generator);
void add_stain(Surface& surface, Field& mask, kernels::Generator& generator);
void add_fibre(Surface& surface, Field& mask, kernels::Generator& generator);

}  // namespace assay::demo
