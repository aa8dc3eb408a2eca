// SPDX-License-Identifier: Apache-2.0
// Stage 1's cut of the training images into subsets M_1..M_K (arXiv 2508.07441, section 3.1).
#pragma once

#include <cstdint>
#include <vector>

namespace assay::pipeline {

// Subset 0..num_subsets-1 of each of `num_images` images: a seeded shuffle dealt out in turn, so sizes differ by at
// most one. Needs 2 <= num_subsets <= num_images (assay::Error). The images' order is the caller's: it is the canonical
// order of their contents (pipeline/features), so that neither file names nor file order reach the cut.
std::vector<int> partition_images(int64_t num_images, int num_subsets, uint64_t seed);

}  // namespace assay::pipeline
