// SPDX-License-Identifier: Apache-2.0
// stage1.csv: every training image, the most suspicious first.
#pragma once

#include <string>

#include "pipeline/features/image_features.h"
#include "pipeline/stage1/stage1.h"

namespace assay::pipeline {

// Columns path,subset,s_1..s_K,aggregate,kept,rank,suspicious_patches, sorted by rank: 1 is the most suspicious image.
// The last one is the share of the image's patches that look suspicious, empty where the rule does not look at patches.
// subset counts from 1 and is empty for an image that an earlier round had set aside. Files of the same bytes have a
// row each, alike but for path and rank.
std::string stage1_csv(const ImageFeatures& features, const Stage1Result& stage1);

}  // namespace assay::pipeline
