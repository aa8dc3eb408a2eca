// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run/audit.h"

#include <algorithm>
#include <set>

#include "pipeline/metrics/rank_metrics.h"

namespace assay::pipeline {
namespace {

nlohmann::ordered_json or_null(const std::optional<double>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json();
}

}  // namespace

Audit audit_selection(const ImageFeatures& features, const Stage1Result& stage1, const dataset::GroundTruth& truth) {
  Audit audit;
  int64_t anomalous = 0, anomalous_kept = 0;
  bool all_known = true;
  std::vector<float> scores;
  std::vector<uint8_t> labels;
  std::vector<float> rank_score(stage1.suspicion.size());  // higher for what ranks before
  const std::vector<int64_t> order = most_suspicious_first(stage1);
  for (size_t place = 0; place < order.size(); ++place) rank_score[order[place]] = -static_cast<float>(place);
  for (int64_t i = 0; i < features.num_images(); ++i) {
    for (const std::string& id : features.image(i).ids) {
      const int label = truth.of(id).label;
      all_known = all_known && label >= 0;
      ++audit.num_train;
      audit.num_kept += stage1.selection.kept[i];
      anomalous += label == 1;
      anomalous_kept += label == 1 && stage1.selection.kept[i];
      if (stage1.suspicion.empty() || label < 0) continue;
      scores.push_back(rank_score[i]);
      labels.push_back(static_cast<uint8_t>(label));
    }
  }
  if (!all_known) return audit;
  audit.alpha = static_cast<double>(anomalous) / static_cast<double>(audit.num_train);
  if (audit.num_kept > 0) audit.alpha_kept = static_cast<double>(anomalous_kept) / static_cast<double>(audit.num_kept);
  if (!scores.empty())
    audit.stage1_auroc = rank_metrics(scores.data(), labels.data(), static_cast<int64_t>(scores.size())).auroc;
  return audit;
}

nlohmann::ordered_json to_json(const Audit& audit) {
  return {{"n_train", audit.num_train},
          {"n_kept", audit.num_kept},
          {"alpha", or_null(audit.alpha)},
          {"alpha_kept", or_null(audit.alpha_kept)},
          {"stage1_auroc", or_null(audit.stage1_auroc)}};
}

double share_of_patches_cut(const models::FeatureSource& features, const Stage1Result& stage1) {
  int64_t all = 0, cut = 0;
  for (int64_t i = 0; i < features.num_images(); ++i) {
    const int64_t cells = features.shape(i).height * features.shape(i).width;
    const auto excluded = stage1.excluded.find(i);
    all += cells;
    if (excluded != stage1.excluded.end()) {
      cut += std::count(excluded->second.begin(), excluded->second.end(), 1);
    } else if (!stage1.selection.kept[i]) {
      cut += cells;
    }
  }
  return static_cast<double>(cut) / static_cast<double>(all);
}

std::map<std::string, double> auroc_by_defect(const std::vector<ImageResult>& images) {
  std::set<std::string> defects;
  for (const ImageResult& image : images) {
    if (image.label == 1 && !image.defect.empty()) defects.insert(image.defect);
  }
  std::map<std::string, double> result;
  for (const std::string& defect : defects) {
    std::vector<float> scores;
    std::vector<uint8_t> labels;
    for (const ImageResult& image : images) {
      if (image.label != 0 && image.defect != defect) continue;
      scores.push_back(static_cast<float>(image.score));
      labels.push_back(static_cast<uint8_t>(image.label == 1));
    }
    const auto auroc = rank_metrics(scores.data(), labels.data(), static_cast<int64_t>(scores.size())).auroc;
    if (auroc) result[defect] = *auroc;
  }
  return result;
}

}  // namespace assay::pipeline
