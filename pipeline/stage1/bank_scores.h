// SPDX-License-Identifier: Apache-2.0
// Scores of the training images under memory banks, read off the distance table.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "models/scoring/image_score.h"
#include "pipeline/stage1/distance_table.h"
#include "pipeline/stage1/sub_models.h"

namespace assay::pipeline {

// Patch values of image i from its rows of the table (P, J); writes (P).
using PatchRule = std::function<void(int64_t i, const Tensor& distances, float* values)>;

// The image score of every image of the table under the rule, in parallel. `images` are those the table was made of.
std::vector<double> scores_from_table(const models::FeatureSource& features, const std::vector<int64_t>& images,
                                      const DistanceTable& table, const PatchRule& rule, const ScoringRule& scoring);

// As cross_model_scores of K banks, each the union of one subset's images: scores[i * num_models + k].
std::vector<double> cross_bank_scores(const models::FeatureSource& features, const std::vector<int64_t>& images,
                                      const DistanceTable& table, const std::vector<int>& subset, int num_models,
                                      const ScoringRule& scoring);

// The exact mean of the held-out minimum over all random banks of `bank_share` of the marked images
// (expected_minimum.h).
PatchRule expected_held_out_minimum(const std::vector<uint8_t>& in_bank, double bank_share);

// The k-th smallest distance to the marked images j != i: how far a patch is from having k images that know its like.
// An anomaly that occurs in a few images, or is photographed several times, finds its own kind among the nearest
// images; k beyond their number sees through that. Of few images k is
// smaller: a fiftieth of the others, but at least 3. The near copies of image i (near_copies.h; (N), or empty where
// nothing is known of any) do not count where there are others: they show what i shows, not that it occurs again.
PatchRule support_distance(const std::vector<uint8_t>& in_bank, int64_t k,
                           const std::vector<std::vector<int64_t>>& near_copies = {});

// Patch values of every image under the rule, in parallel.
std::vector<std::vector<float>> patch_values(const DistanceTable& table, const PatchRule& rule);

}  // namespace assay::pipeline
