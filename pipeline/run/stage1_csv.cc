// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run/stage1_csv.h"

#include <algorithm>
#include <cstdio>
#include <numeric>

#include "pipeline/dataset/csv.h"

namespace assay::pipeline {
namespace {

std::string number(double value) {
  char digits[32];
  std::snprintf(digits, sizeof digits, "%.9g", value);
  return digits;
}

}  // namespace

std::string stage1_csv(const ImageFeatures& features, const Stage1Result& stage1) {
  std::string csv = "path,subset";
  for (int k = 1; k <= stage1.num_models; ++k) csv += ",s_" + std::to_string(k);
  csv += ",aggregate,kept,rank,suspicious_patches\n";
  std::vector<int64_t> order(stage1.suspicion.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return stage1.suspicion[a] > stage1.suspicion[b]; });
  int64_t rank = 0;
  for (const int64_t i : order) {
    std::string columns = "," + (stage1.subset[i] < 0 ? "" : std::to_string(stage1.subset[i] + 1));
    for (int k = 0; k < stage1.num_models; ++k) columns += "," + number(stage1.scores[i * stage1.num_models + k]);
    columns += "," + number(stage1.suspicion[i]) + (stage1.selection.kept[i] ? ",1," : ",0,");
    const std::string suspicious = stage1.suspicious_share.empty() ? "" : number(stage1.suspicious_share[i]);
    for (const std::string& id : features.image(i).ids) {
      csv += dataset::csv_field(id) + columns + std::to_string(++rank) + "," + suspicious + "\n";
    }
  }
  return csv;
}

}  // namespace assay::pipeline
