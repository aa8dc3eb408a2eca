// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run/learning_bias.h"

#include <array>
#include <cstdio>

#include "kernels/base/check.h"
#include "pipeline/dataset/csv.h"

namespace assay::pipeline {
namespace {

using Json = nlohmann::ordered_json;

enum Group : size_t { kKept, kDoubtful, kNormal, kAnomalous, kNumGroups };
constexpr const char* kGroupNames[kNumGroups] = {"kept", "doubtful", "normal", "anomalous"};

// Sums of scores by group.
class Means {
 public:
  void add(Group group, double score) {
    sums_[group] += score;
    ++counts_[group];
  }
  Json json() const {
    Json means;
    for (size_t g = 0; g < kNumGroups; ++g) {
      means[kGroupNames[g]] = counts_[g] > 0 ? Json(sums_[g] / static_cast<double>(counts_[g])) : Json();
    }
    return means;
  }

 private:
  std::array<double, kNumGroups> sums_ = {};
  std::array<int64_t, kNumGroups> counts_ = {};
};

// The groups of each image, one entry for each of its names.
std::vector<std::vector<Group>> groups_of(const ImageFeatures& features, const Stage1Result& stage1,
                                          const dataset::GroundTruth& truth) {
  bool all_known = true;
  for (int64_t i = 0; i < features.num_images(); ++i) {
    for (const std::string& id : features.image(i).ids) all_known = all_known && truth.of(id).label >= 0;
  }
  std::vector<std::vector<Group>> groups(static_cast<size_t>(features.num_images()));
  for (int64_t i = 0; i < features.num_images(); ++i) {
    for (const std::string& id : features.image(i).ids) {
      groups[i].push_back(stage1.selection.kept[i] ? kKept : kDoubtful);
      if (all_known) groups[i].push_back(truth.of(id).label == 1 ? kAnomalous : kNormal);
    }
  }
  return groups;
}

}  // namespace

std::string tracked_scores_csv(const ImageFeatures& features, const Stage1Result& stage1) {
  std::string csv = "path,model,seen,iteration,score\n";
  for (const int64_t i : most_suspicious_first(stage1)) {
    for (const std::string& id : features.image(i).ids) {
      for (size_t k = 0; k < stage1.tracked.size(); ++k) {
        const TrackedScores& tracked = stage1.tracked[k];
        const bool seen = stage1.subset[i] == static_cast<int>(k);
        for (size_t moment = 0; moment < tracked.steps.size(); ++moment) {
          char numbers[96];
          std::snprintf(numbers, sizeof numbers, ",%zu,%d,%lld,%.9g\n", k + 1, seen ? 1 : 0,
                        static_cast<long long>(tracked.steps[moment]), tracked.scores[moment][i]);
          csv += dataset::csv_field(id) + numbers;
        }
      }
    }
  }
  return csv;
}

Json learning_bias(const ImageFeatures& features, const Stage1Result& stage1, const dataset::GroundTruth& truth) {
  ASSAY_CHECK(!stage1.tracked.empty(), "learning_bias: no scores were tracked");
  const std::vector<std::vector<Group>> groups = groups_of(features, stage1, truth);
  Json curve = Json::array();
  for (size_t moment = 0; moment < stage1.tracked[0].steps.size(); ++moment) {
    Means held_out, seen;
    for (size_t k = 0; k < stage1.tracked.size(); ++k) {
      for (size_t i = 0; i < groups.size(); ++i) {
        Means& means = stage1.subset[i] == static_cast<int>(k) ? seen : held_out;
        for (const Group group : groups[i]) means.add(group, stage1.tracked[k].scores[moment][i]);
      }
    }
    curve.push_back(
        {{"iteration", stage1.tracked[0].steps[moment]}, {"held_out", held_out.json()}, {"seen", seen.json()}});
  }
  return curve;
}

}  // namespace assay::pipeline
