// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage1/bank_scores.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/base/parallel.h"
#include "pipeline/stage1/expected_minimum.h"

namespace assay::pipeline {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

double score_of_values(const models::FeatureGrid& grid, const Tensor& values, const ScoringRule& scoring) {
  const Tensor map = models::anomaly_map(values.reshape({grid.height, grid.width}), grid.image_height, grid.image_width,
                                         scoring.sigma);
  return models::image_score(map, scoring.image_score);
}

// The distances of one patch of image i to the marked images but i.
void others_of(const float* distances, int64_t i, const std::vector<uint8_t>& in_bank, std::vector<float>* others) {
  others->clear();
  for (size_t j = 0; j < in_bank.size(); ++j) {
    if (in_bank[j] && static_cast<int64_t>(j) != i) others->push_back(distances[j]);
  }
}

// The k that counts among so many other images.
int64_t rank_among(int64_t num_others, int64_t k) {
  constexpr int64_t kLeast = 3, kOthersPerRank = 50;
  const int64_t fitting = std::max(kLeast, (num_others + kOthersPerRank / 2) / kOthersPerRank);
  return std::min({k, fitting, num_others});
}

}  // namespace

std::vector<double> scores_from_table(const models::FeatureSource& features, const std::vector<int64_t>& images,
                                      const DistanceTable& table, const PatchRule& rule, const ScoringRule& scoring) {
  std::vector<double> scores(images.size());
  parallel_for(table.num_images(), 1, [&](int64_t i, int64_t) {
    const Tensor distances = table.rows_of(i);
    const Tensor values = Tensor::empty<float>({distances.dim(0)}, "stage 1");
    rule(i, distances, values.data<float>());
    scores[i] = score_of_values(features.shape(images[i]), values, scoring);
  });
  return scores;
}

std::vector<double> cross_bank_scores(const models::FeatureSource& features, const std::vector<int64_t>& images,
                                      const DistanceTable& table, const std::vector<int>& subset, int num_models,
                                      const ScoringRule& scoring) {
  const int64_t count = table.num_images();
  ASSAY_CHECK(static_cast<int64_t>(subset.size()) == count, "cross_bank_scores: ", subset.size(),
              " subset numbers for ", count, " images");
  std::vector<double> scores(count * num_models);
  parallel_for(count, 1, [&](int64_t i, int64_t) {
    const Tensor distances = table.rows_of(i);
    const int64_t cells = distances.dim(0);
    const Tensor values = Tensor::empty<float>({num_models, cells}, "stage 1");
    float* v = values.data<float>();
    std::fill(v, v + values.size(), kInfinity);
    for (int64_t p = 0; p < cells; ++p) {
      const float* d = distances.data<float>() + p * count;
      for (int64_t j = 0; j < count; ++j) {
        if (subset[j] < 0) continue;
        float& least = v[subset[j] * cells + p];
        least = std::min(least, d[j]);
      }
    }
    const models::FeatureGrid grid = features.shape(images[i]);
    for (int k = 0; k < num_models; ++k) {
      scores[i * num_models + k] = score_of_values(grid, values.rows(k, k + 1).reshape({cells}), scoring);
    }
  });
  return scores;
}

PatchRule expected_held_out_minimum(const std::vector<uint8_t>& in_bank, double bank_share) {
  const int64_t marked = std::count_if(in_bank.begin(), in_bank.end(), [](uint8_t b) { return b != 0; });
  // One set of weights for the images in the bank, which have one image fewer to be compared with, one for the others.
  const auto weights_for = [&](int64_t others) {
    const int64_t size = std::clamp<int64_t>(std::llround(bank_share * static_cast<double>(marked)), 1, others);
    return expected_minimum_weights(others, size);
  };
  ASSAY_CHECK(marked >= 2, "expected_held_out_minimum: ", marked, " images to choose banks from, expected at least 2");
  return [in_bank, inside = weights_for(marked - 1), outside = weights_for(marked)](int64_t i, const Tensor& distances,
                                                                                    float* values) {
    const int64_t count = distances.dim(1);
    std::vector<float> others;
    for (int64_t p = 0; p < distances.dim(0); ++p) {
      others_of(distances.data<float>() + p * count, i, in_bank, &others);
      values[p] = static_cast<float>(expected_minimum(others, in_bank[i] ? inside : outside));
    }
  };
}

PatchRule support_distance(const std::vector<uint8_t>& in_bank, int64_t k,
                           const std::vector<std::vector<int64_t>>& near_copies) {
  ASSAY_CHECK(k >= 1, "support_distance: k is ", k, ", expected at least 1");
  ASSAY_CHECK(near_copies.empty() || near_copies.size() == in_bank.size(), "support_distance: near copies of ",
              near_copies.size(), " images, expected ", in_bank.size());
  return [in_bank, k, near_copies](int64_t i, const Tensor& distances, float* values) {
    std::vector<uint8_t> witnesses = in_bank;
    if (!near_copies.empty()) {
      for (const int64_t j : near_copies[i]) witnesses[j] = 0;
    }
    std::vector<float> others;
    for (int64_t p = 0; p < distances.dim(0); ++p) {
      const float* d = distances.data<float>() + p * distances.dim(1);
      others_of(d, i, witnesses, &others);
      if (others.empty()) others_of(d, i, in_bank, &others);
      ASSAY_CHECK(!others.empty(), "support_distance: no other image to compare image ", i, " with");
      const auto kth = others.begin() + (rank_among(static_cast<int64_t>(others.size()), k) - 1);
      std::nth_element(others.begin(), kth, others.end());
      values[p] = *kth;
    }
  };
}

std::vector<std::vector<float>> patch_values(const DistanceTable& table, const PatchRule& rule) {
  std::vector<std::vector<float>> values(table.num_images());
  parallel_for(table.num_images(), 1, [&](int64_t i, int64_t) {
    const Tensor distances = table.rows_of(i);
    values[i].resize(distances.dim(0));
    rule(i, distances, values[i].data());
  });
  return values;
}

}  // namespace assay::pipeline
