// SPDX-License-Identifier: Apache-2.0
// What sub-models had learnt when: the scores of all images while stage 1 trained, where they were tracked.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "pipeline/dataset/ground_truth.h"
#include "pipeline/features/image_features.h"
#include "pipeline/stage1/stage1.h"

namespace assay::pipeline {

// stage1_scores.csv: path,model,seen,iteration,score. Images as in stage1.csv, the most suspicious first; models count
// from 1; seen is 1 where the sub-model is fitted to the image. iteration is the number of steps done.
std::string tracked_scores_csv(const ImageFeatures& features, const Stage1Result& stage1);

// The mean score of groups of images at each moment: a list of
//   {"iteration": 50, "held_out": {"kept": .., "doubtful": .., "normal": .., "anomalous": ..}, "seen": {the same}},
// over sub-models that have not seen an image and those that have. The truth tells the last two groups and has no part
// in the others. null where a group is empty, as the last two are unless every label is known. A file that is there
// under several names counts once for each.
nlohmann::ordered_json learning_bias(const ImageFeatures& features, const Stage1Result& stage1,
                                     const dataset::GroundTruth& truth);

}  // namespace assay::pipeline
